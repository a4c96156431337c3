import type { Answer } from './answer.ts'
import { corsHeaders } from './cors.ts'
import { headerSafe } from './request-context.ts'
import { securityHeaderEntries } from './security-headers.ts'

/** All headers of an answer, names and values in turn, as Node writes them in one go. */
export type RawHeaders = (answer: Answer, request: { requestId: string; origin: string | undefined; isLast: boolean }) => string[]

/** What every answer carries is put together once. `isLast`: the connection is to end with this answer. */
export function createRawHeaders(corsOrigins: readonly string[]): RawHeaders {
  const varies = corsOrigins.length > 0
  const always = securityHeaderEntries.flat()
  const others = varies ? [...always, ...Object.entries(corsHeaders()).flat()] : always
  const byOrigin = new Map(corsOrigins.map((origin) => [origin, [...always, ...Object.entries(corsHeaders(origin)).flat()]]))

  return function rawHeaders({ headers }, { requestId, origin, isLast }) {
    const raw = [...((origin !== undefined && byOrigin.get(origin)) || others), 'X-Request-Id', headerSafe(requestId)]
    for (const name in headers) if (name !== 'Vary') raw.push(name, headers[name] as string)
    const vary = varies ? (headers['Vary'] === undefined ? 'Origin' : `${headers['Vary']}, Origin`) : headers['Vary']
    if (vary !== undefined) raw.push('Vary', vary)
    if (isLast) raw.push('Connection', 'close')
    return raw
  }
}
