import { expect, it } from 'vitest'
import { createReadTogether } from './read-together.ts'

const applied = [{ writer_id: 'w', epoch: 1, seq: 1 }]
const text = (value: Uint8Array | null | undefined) => value && Buffer.from(value).toString()

function start(fail = false) {
  const commands: [number, readonly string[]][] = []
  const read = createReadTogether(async (partition, keys) => {
    commands.push([partition, [...keys]])
    if (fail) throw new Error('down')
    return { values: keys.map((key) => Buffer.from(`${partition}:${key}`)), applied }
  })
  return { read, commands, textsOf: async (partition: number, keys: string[]) => (await read(partition, keys)).values.map(text) }
}

it('asks each partition once in a turn, for no key twice, and gives everyone its own', async () => {
  const { textsOf, commands } = start()
  const read = await Promise.all([textsOf(1, ['a', 'b']), textsOf(2, ['a']), textsOf(1, ['c', 'a'])])
  expect(read).toEqual([['1:a', '1:b'], ['2:a'], ['1:c', '1:a']])
  expect(commands).toEqual([
    [1, ['a', 'b', 'c']],
    [2, ['a']],
  ])
})

it('reads anew in the next turn', async () => {
  const { textsOf, commands } = start()
  await textsOf(1, ['a'])
  await textsOf(1, ['a'])
  expect(commands).toHaveLength(2)
})

it('fails for all that asked, and for nobody after', async () => {
  const { read } = start(true)
  const outcomes = await Promise.allSettled([read(1, ['a']), read(1, ['b']), read(2, ['a'])])
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
  await expect(read(1, ['a'])).rejects.toThrow('down')
})
