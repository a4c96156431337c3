import type { AppliedPosition } from '../../contracts/origin.ts'

/** What one partition holds at one moment; `values` are in the order of the keys asked for. */
export type PartitionRead = { values: (Uint8Array | null | undefined)[]; applied: readonly AppliedPosition[] }
export type ReadPartition = (partition: number, keys: readonly string[]) => Promise<PartitionRead>

type Gathering = { keys: string[]; places: Map<string, number>; reply: Promise<PartitionRead> }

/**
 * What is asked of a partition in one turn of the event loop is read by one command, no key twice: requests that come
 * together cost the store, and the connection, one read.
 */
export function createReadTogether(readPartition: ReadPartition): ReadPartition {
  let gathered = new Map<number, Gathering>()
  let turn: Promise<void> | undefined

  function endOfTurn(): Promise<void> {
    return new Promise((resolve) => {
      setImmediate(() => {
        gathered = new Map()
        turn = undefined
        resolve()
      })
    })
  }

  function gather(partition: number): Gathering {
    turn ??= endOfTurn()
    const keys: string[] = []
    const gathering = { keys, places: new Map<string, number>(), reply: turn.then(() => readPartition(partition, keys)) }
    gathered.set(partition, gathering)
    return gathering
  }

  return async (partition, asked) => {
    const { keys, places, reply } = gathered.get(partition) ?? gather(partition)
    const own = asked.map((key) => {
      const known = places.get(key)
      if (known !== undefined) return known
      places.set(key, keys.length)
      return keys.push(key) - 1
    })
    const { values, applied } = await reply
    return { values: own.map((place) => values[place]), applied }
  }
}
