import { pipeline } from 'node:stream/promises'
import { ClickHouseError, ClickHouseLogLevel, type DataFormat, createClient } from '@clickhouse/client'
import { ServiceError } from '../contracts/errors.ts'

export type StreamQueryOptions = {
  url: string
  user?: string | undefined
  password?: string | undefined
  query: string
  /** The format of the answer where the query has no FORMAT of its own. */
  format: string
  to: NodeJS.WritableStream
}

/** Writes the result as it comes. A reader that closes early, as `head` does, ends the query without an error. */
export async function streamQuery(options: StreamQueryOptions): Promise<void> {
  const client = createClient({
    url: options.url,
    ...(options.user !== undefined && { username: options.user }),
    ...(options.password !== undefined && { password: options.password }),
    request_timeout: 3_600_000,
    log: { level: ClickHouseLogLevel.OFF },
  })
  try {
    const { stream } = await client.exec({ query: options.query, clickhouse_settings: { default_format: options.format as DataFormat } })
    await pipeline(stream, options.to, { end: false })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') return
    throw toServiceError(error, options.url)
  } finally {
    await client.close()
  }
}

function toServiceError(error: unknown, url: string): unknown {
  if (error instanceof ClickHouseError && error.type === 'NOT_INITIALIZED')
    return new ServiceError('not_ready', error.message.trim(), { cause: error, hint: 'npx hindsight status says what it waits for' })
  if (error instanceof ClickHouseError)
    return new ServiceError('invalid_request', `${error.message.trim()} (${error.type ?? error.code})`, { cause: error })
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'ECONNRESET')
    return new ServiceError('warehouse_unavailable', `no warehouse answers at ${url}`, {
      cause: error,
      hint: 'start it with `npx hindsight up`',
    })
  return error
}
