import { EngineError } from '../engine/engine-error.ts'
import { type SqlStatement, parseSqlStatement } from '../sql/sql-statement.ts'

/** A statement, and for an insert the data that follows it. */
export type SqlBody = { sql: string; statement: SqlStatement; data: AsyncIterable<Uint8Array> }

/**
 * Reads a statement from the URL's part and the body, which ClickHouse takes as one text. Holds at most `maxQueryBytes` of it;
 * the data of an insert is left to be streamed.
 */
export async function readSqlBody(prefix: string, body: AsyncIterable<Buffer>, maxQueryBytes: number): Promise<SqlBody> {
  const rest = body[Symbol.asyncIterator]()
  const chunks: Buffer[] = prefix === '' ? [] : [Buffer.from(`${prefix}\n`)]
  const early = prefix === '' ? undefined : parseSqlStatement(`${prefix}\n`)
  let ended = false
  let size = chunks[0]?.length ?? 0
  while (early?.kind !== 'insert' && !ended && size <= maxQueryBytes) {
    const next = await rest.next()
    if (next.done === true) ended = true
    else {
      chunks.push(next.value)
      size += next.value.length
    }
  }
  const read = Buffer.concat(chunks)
  const sql = read.toString('utf8')
  const statement = early?.kind === 'insert' ? early : parseSqlStatement(sql)
  if (statement.kind === 'insert') {
    const start = Buffer.byteLength(sql.slice(0, statement.dataStart))
    return { sql: statement.head as string, statement, data: concat(read.subarray(start), rest) }
  }
  if (!ended) throw new EngineError(62, 'SYNTAX_ERROR', `Max query size exceeded: a statement may have ${maxQueryBytes} bytes`)
  return { sql, statement, data: concat(Buffer.alloc(0), rest) }
}

async function* concat(first: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Uint8Array> {
  if (first.length > 0) yield first
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value
}
