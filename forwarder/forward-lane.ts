import type { ConfirmedRange } from '../contracts/confirmation.ts'
import type { Origin } from '../contracts/origin.ts'
import type { LogRecord } from '../platform/event-log/event-log.ts'
import type { OutboxConsumer } from '../platform/outbox/read/outbox-consumer.ts'
import { createBell } from '../platform/service/bell.ts'
import { failpoint } from '../platform/service/failpoint.ts'
import { settledWithin } from '../platform/service/within.ts'
import { createHandOver, type HandOver, type HandOverSettings } from './hand-over.ts'
import type { Sending } from './sent-records.ts'
import type { Publisher } from './publisher.ts'
import { backOffMs } from '../platform/service/retry.ts'

export type ForwardLane = {
  /** Publishes until the signal; then waits a little for the acks that are under way. */
  run(): Promise<void>
  confirm(ranges: readonly ConfirmedRange[]): void
  state(): ReturnType<HandOver['state']>
}

export type ForwardLaneDeps = {
  outbox: Pick<OutboxConsumer, 'fetch' | 'confirm' | 'reread'>
  publisher: Publisher
  settings: HandOverSettings
  /** The name of this run, drawn anew at each start, so that no message id is ever used again. */
  run: string
  now: () => number
  signal: AbortSignal
  onPublished: (outcome: 'first' | 'again' | 'refused') => void
  onConfirmed: (records: number) => void
  onFault: (error: unknown) => void
}

/** The longest time between two looks for what is due. */
const lookEveryMs = 50
const lastAcksMs = 2_000
const publishTimeout = { firstMs: 5_000, mostMs: 60_000 }

/** Hands one lane of every outbox over to its stream: publishes within credit, and again what stays unconfirmed. */
export function createForwardLane(deps: ForwardLaneDeps): ForwardLane {
  const { outbox, publisher, settings, signal, now, onFault } = deps
  const handOver = createHandOver({ settings, now, waitsInStream: publisher.waitsInStream })
  const underWay = new Set<Promise<void>>()
  const bell = createBell()
  const idle = () => bell.wait(lookEveryMs, signal)

  async function step(): Promise<void> {
    if (!publisher.ready()) return idle()
    for (const sending of handOver.due()) await sendAgain(sending)
    const { records: maxRecords, bytes: maxBytes } = handOver.room()
    if (maxRecords === 0) return idle()
    const records = await outbox.fetch({ maxRecords, maxBytes, waitMs: lookEveryMs, signal })
    for (const record of records) track(publish(record, handOver.send(record.origin, sizeOf(record))))
  }

  async function sendAgain(sending: Sending): Promise<void> {
    const record = await outbox.reread(sending.origin)
    if (record !== undefined) return track(publish(record, handOver.resend(sending)))
    handOver.forget(sending)
    onFault(new Error(`record ${describe(sending.origin)} is to be published again and cannot be read any more`))
  }

  async function publish(record: LogRecord, sending: Sending): Promise<void> {
    failpoint('forwarder.before_publish')
    const timeoutMs = backOffMs(sending.attempt, publishTimeout)
    try {
      const messageId = `${describe(sending.origin)}/${deps.run}.${sending.attempt}`
      const { streamSeq, duplicate } = await publisher.publish(record, { messageId, timeoutMs })
      failpoint('forwarder.after_ack')
      // Message ids are never used twice: a duplicate is no publish of ours.
      if (streamSeq === 0 || duplicate) throw new Error(`the stream took ${messageId} for a message that it has already`)
      handOver.count(sending, streamSeq)
      deps.onPublished(sending.attempt === 1 ? 'first' : 'again')
    } catch (error) {
      handOver.refuse(sending)
      deps.onPublished('refused')
      onFault(error)
    } finally {
      bell.ring()
    }
  }

  function track(work: Promise<void>): void {
    underWay.add(work)
    void work.finally(() => underWay.delete(work))
  }

  return {
    async run() {
      while (!signal.aborted) await step()
      // An ack that does not come is an ack that was lost: the record is sent again by the next run.
      await settledWithin(lastAcksMs, Promise.all(underWay))
    },
    confirm(ranges) {
      const confirmed = ranges.flatMap((range) => handOver.confirm(range))
      if (confirmed.length === 0) return
      deps.onConfirmed(confirmed.length)
      bell.ring()
      outbox.confirm(confirmed.map((origin) => ({ origin }))).catch(onFault)
    },
    state: handOver.state,
  }
}

/** What a record takes of the stream: its bytes, its headers and the stream's own. */
function sizeOf({ payload, id }: LogRecord): number {
  return payload.length + id.length + messageOverheadBytes
}

const messageOverheadBytes = 400

function describe({ writer_id, epoch, lane, seq }: Origin): string {
  return `${writer_id}/${epoch}/${lane}/${seq}`
}
