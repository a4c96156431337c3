import { EngineError } from './engine-error.ts'
import type { Lease } from './session-slot-chdb.ts'

/**
 * The engine's own rendering of one statement, which is not run; throws the engine's SYNTAX_ERROR for a text that is none.
 * As a function's argument the text cannot end its statement; the function refuses more than one.
 */
export async function renderStatement(lease: Lease, sql: string): Promise<string> {
  const query = `SELECT formatQuerySingleLine(unhex('${Buffer.from(sql).toString('hex')}'))`
  try {
    return (await lease.query(query, 'TSVRaw')).text().trim()
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    // The engine names the query that failed, and that one is ours.
    throw new EngineError(error.code, error.type, error.message.split(': In scope SELECT formatQuerySingleLine')[0] ?? '', { cause: error })
  }
}
