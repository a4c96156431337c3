import { insertSettings } from '../../platform/schema/rows/tables.ts'
import { type Warehouse, WarehouseQueryError } from '../../platform/warehouse/warehouse.ts'

/** A row that the warehouse refuses for what it holds. `index` is its place among the rows given. */
export type RefusedRow = { index: number; error: WarehouseQueryError }

/** The rows of an insert: objects, as an array has them, or lines of JSON. */
export type InsertableRows = { readonly length: number; slice(from: number, to: number): readonly object[] | Uint8Array }

/** The attempt from which on rows are bisected for faults of any kind: a row may be why an insert has failed so often. */
const suspectRowsFromAttempt = 5

/**
 * Inserts the rows of one table, halving around those that are at fault, so that one bad row holds back no other. Throws
 * what is to be retried: the warehouse does not answer, or refuses for a reason that no single row explains.
 */
export async function insertRows(options: {
  warehouse: Pick<Warehouse, 'insert'>
  table: string
  rows: InsertableRows
  attempt: number
}): Promise<RefusedRow[]> {
  const { rows, attempt } = options
  let suspect: WarehouseQueryError | undefined
  const insert = (from: number, to: number) => options.warehouse.insert(options.table, rows.slice(from, to), insertSettings)
  const tryInsert = async (from: number, to: number): Promise<WarehouseQueryError | undefined> => {
    try {
      await insert(from, to)
      return undefined
    } catch (error) {
      if (error instanceof WarehouseQueryError) return error
      throw error
    }
  }
  const isolate = async ({ from, to }: { from: number; to: number }, known?: WarehouseQueryError): Promise<RefusedRow[]> => {
    const error = known ?? (await tryInsert(from, to))
    if (error === undefined) return []
    // A fault of another kind between two halves, such as too little memory, is not to be blamed on a row.
    if (error.reason !== 'bad_row' && error.exceptionCode !== suspect?.exceptionCode) throw error
    if (to - from === 1) return [{ index: from, error }]
    const middle = (from + to) >> 1
    return [...(await isolate({ from, to: middle })), ...(await isolate({ from: middle, to }))]
  }

  const error = await tryInsert(0, rows.length)
  if (error === undefined) return []
  if (error.reason !== 'bad_row') {
    if (!(await explainedByRows({ error, attempt, count: rows.length, tryInsert }))) throw error
    suspect = error
  }
  return isolate({ from: 0, to: rows.length }, error)
}

/**
 * Whether rows may be at fault. When the first and the last one both fail by themselves it is hardly a row; one that was
 * inserted by itself proves nothing either way.
 */
async function explainedByRows(options: {
  error: WarehouseQueryError
  attempt: number
  count: number
  tryInsert: (from: number, to: number) => Promise<WarehouseQueryError | undefined>
}): Promise<boolean> {
  const { error, attempt, count, tryInsert } = options
  if (attempt < suspectRowsFromAttempt) return false
  if (count === 1) return attempt >= 2 * suspectRowsFromAttempt
  const ends = [await tryInsert(0, 1), await tryInsert(count - 1, count)]
  return !ends.every((end) => end?.exceptionCode === error.exceptionCode)
}
