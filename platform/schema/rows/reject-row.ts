import { sha256Hex } from '../../../contracts/canonical-json.ts'
import type { LogRecord } from '../../event-log/event-log.ts'
import { toStamp } from './stamp.ts'

export type RejectReason = {
  code: string
  message: string
  path?: string | undefined
  tenant?: string | undefined
  name?: string | undefined
}

/** A row of `bronze.rejects`: why, and the record's bytes as they are. */
export type RejectRow = ReturnType<typeof toRejectRow>

export function toRejectRow(record: LogRecord, reason: RejectReason) {
  return {
    kind: record.kind,
    tenant: storable(reason.tenant ?? ''),
    id: storable(record.id),
    name: storable(reason.name ?? record.origin.lane),
    code: storable(reason.code),
    path: storable(reason.path ?? ''),
    message: storable(reason.message),
    ...rawBytes(record.payload),
    payload_hash: sha256Hex(record.payload),
    ...toStamp(record),
  }
}

// Half a surrogate pair has no UTF-8 form and would have the row refused, in the one table that must take everything.
function storable(text: string): string {
  return Buffer.from(text.slice(0, 2_000)).toString()
}

// A JSON insert carries text, so bytes that are no UTF-8 would be changed on the way.
function rawBytes(payload: Uint8Array): { raw: string; raw_encoding: 'utf8' | 'base64' } {
  try {
    return { raw: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload), raw_encoding: 'utf8' }
  } catch {
    return { raw: Buffer.from(payload).toString('base64'), raw_encoding: 'base64' }
  }
}

/** The payload of a row's record. */
export function toRejectPayload({ raw, raw_encoding }: Pick<RejectRow, 'raw' | 'raw_encoding'>): Buffer {
  return Buffer.from(raw, raw_encoding)
}
