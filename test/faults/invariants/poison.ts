import type { Ledger } from '../client/ledger.ts'
import type { StoredReject } from './rejects.ts'
import { altered, doubled, lost, type Violation } from './violation.ts'

/** Every record that could not be an event is kept, once, with the reason. */
export function checkPoison({ poison }: Ledger, rejects: ReadonlyMap<string, StoredReject>): Violation[] {
  return [...poison].flatMap(([place, code]) => {
    const reject = rejects.get(place)
    if (reject === undefined) return [lost(place, 'was to be kept as a reject')]
    return [
      ...(reject.rows > 1 ? [doubled(place, `${reject.rows} rows in rejects`)] : []),
      ...(reject.code === code ? [] : [altered(place, `was rejected as ${reject.code}, not ${code}`)]),
    ]
  })
}
