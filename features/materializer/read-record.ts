import { featureEventV1 } from '../../contracts/feature-event.ts'
import type { LogRecord } from '../../platform/event-log/event-log.ts'
import { toFact, type Fact } from '../engine/fact.ts'

/** `passed`: a seal, or a client's item that was refused. `malformed`: no feature event; the logger keeps its bytes. */
export type ReadRecord = { outcome: 'fact'; fact: Fact } | { outcome: 'passed' | 'malformed' }

/** Reads a record as a fact; never throws on what the record holds. */
export function readRecord(record: LogRecord): ReadRecord {
  if (record.kind !== 'event') return { outcome: 'passed' }
  const parsed = featureEventV1.safeParse(parseJson(record.payload))
  return parsed.success ? { outcome: 'fact', fact: toFact(parsed.data, record.origin) } : { outcome: 'malformed' }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function parseJson(payload: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(payload))
  } catch {
    return undefined
  }
}
