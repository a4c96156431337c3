import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream'
import { createInbox, headers, nanos, type NatsConnection } from '@nats-io/transport-node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openLmdbOnlineStore } from '../../platform/online-store/online-store-lmdb.ts'
import { describeWithNats, natsBinaries, startTestNats, type TestNats } from '../../platform/nats/testing/nats-server.ts'
import { armFailpoint, type FailpointName } from '../../platform/service/failpoint.ts'
import { type GatewayProcess, startGatewayProcess } from '../testing/gateway-process.ts'
import { bodyOf, readOutbox } from '../testing/read-outbox.ts'
import { writeTestProject } from '../testing/write-test-project.ts'

const stream = 'CUSTOMER_LABELS'
const consumer = 'hindsight_labels'
const ackWaitMs = 1_000

let root: string
let nats: TestNats
let nc: NatsConnection
let jsm: JetStreamManager
let gateways: GatewayProcess[]

const label = (number: number, more: object = {}) => ({
  label: 'returned',
  request_id: `r${number}`,
  value_number: 1,
  event_time: '2001-06-04T12:00:00Z',
  ...more,
})

async function startGateway(writerId = 'gateway-0', env: Record<string, string> = {}): Promise<GatewayProcess> {
  const gateway = await startGatewayProcess({
    projectDir: join(root, 'project'),
    dataDir: join(root, 'data'),
    env: {
      NATS_URL: nats.url,
      NATS_ACK_WAIT_MS: String(ackWaitMs),
      HINDSIGHT_LABEL_STREAM: stream,
      HINDSIGHT_WRITER_ID: writerId,
      HINDSIGHT_FAILPOINTS: join(root, 'failpoints'),
      ...env,
    },
  })
  gateways.push(gateway)
  return gateway
}

async function kill(gateway: GatewayProcess): Promise<void> {
  gateways.splice(gateways.indexOf(gateway), 1)
  await gateway.stop('SIGKILL')
}

const addStream = () => jsm.streams.add({ name: stream, subjects: ['labels.>'], duplicate_window: nanos(200), max_msgs: 1_000_000 })

type Sending = { id?: string; subject?: string; raw?: string | Uint8Array; replyTo?: string }

/** Publishes, again while the stream still remembers the id and drops the message. */
async function publish(body: unknown, { id, subject = 'labels.acme.returns', raw, replyTo }: Sending = {}): Promise<void> {
  const about = headers()
  if (id !== undefined) about.set('Nats-Msg-Id', id)
  if (replyTo !== undefined) about.set('Hindsight-Reply-To', replyTo)
  const send = () => jetstream(nc).publish(subject, raw ?? JSON.stringify(body), { headers: about })
  await expect.poll(async () => (await send()).duplicate).toBe(false)
}

/** Publishes and waits for the answer on an inbox. */
async function ask(body: unknown, sending: Sending = {}) {
  const inbox = createInbox()
  const answers = nc.subscribe(inbox, { max: 1 })
  await nc.flush()
  await publish(body, { ...sending, replyTo: inbox })
  for await (const answer of answers) {
    return {
      status: Number(answer.headers?.get('Hindsight-Status')),
      replayed: answer.headers?.get('Idempotency-Replayed') === 'true',
      body: answer.json<Record<string, unknown>>(),
    }
  }
  throw new Error('no answer came')
}

type Stored = Record<string, unknown> & { kind: string; recordId: string }

async function stored(): Promise<Stored[]> {
  const records = await readOutbox(join(root, 'data'), { lanes: ['labels'] })
  return records.map((record) => ({ ...(bodyOf(record) as object), kind: record.kind, recordId: record.id }))
}

const targetsOf = (records: readonly Stored[]) => records.filter(({ kind }) => kind === 'event').map(({ request_id: id }) => String(id))

async function untilTaken(): Promise<void> {
  await expect
    .poll(
      async () => {
        const info = await jsm.consumers.info(stream, consumer).catch(() => undefined)
        return info === undefined ? undefined : info.num_pending + info.num_ack_pending
      },
      { interval: 100 },
    )
    .toBe(0)
}

/** The value of a metric, by its name and labels. */
async function metric(gateway: GatewayProcess, pattern: RegExp): Promise<number> {
  const text = await (await fetch(`${gateway.url}/metrics`)).text()
  return Number(
    text
      .split('\n')
      .find((line) => pattern.test(line))
      ?.split(' ')
      .at(-1) ?? 0,
  )
}

describeWithNats('labels over NATS', () => {
  describe.each(natsBinaries)('nats-server $version', (binary) => {
    beforeEach(async () => {
      gateways = []
      root = await mkdtemp(join(tmpdir(), 'hindsight-label-stream-'))
      await mkdir(join(root, 'failpoints'))
      await writeTestProject(join(root, 'project'))
      await openLmdbOnlineStore({ dir: join(root, 'data', 'online-store') }).close()
      nats = await startTestNats({ binary })
      nc = await nats.connect()
      jsm = await jetstreamManager(nc)
    })
    afterEach(async () => {
      await Promise.all(gateways.map((gateway) => gateway.stop('SIGKILL')))
      await nc.close()
      await nats.stop()
      await rm(root, { recursive: true, force: true })
    })

    it('are judged, kept and answered as over HTTP, for the tenant of the subject', async () => {
      await addStream()
      const gateway = await startGateway()
      expect(await ask(label(1, { label_id: 'one' }))).toEqual({ status: 202, replayed: false, body: { accepted: 1, rejected: [] } })
      const several = { labels: [label(2), label(3, { value_number: 7 }), label(4)] }
      const refused = { index: 1, code: 'out_of_range', path: 'value_number' }
      const mixed = await ask(several, { subject: 'labels.other.a.b' })
      expect(mixed).toMatchObject({ status: 202, body: { accepted: 2, rejected: [refused] } })
      const http = await fetch(`${gateway.url}/v1/labels`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...several, dry_run: true }),
      })
      expect(mixed.body).toEqual(await http.json())
      expect(await ask(label(1, { label_id: 'one', value_number: 0 }))).toMatchObject({
        status: 409,
        body: { error: { code: 'label_conflict' } },
      })
      expect(await ask({ ...label(5), dry_run: true })).toMatchObject({ status: 202, body: { accepted: 1 } })
      await untilTaken()
      const records = await stored()
      expect(records.map(({ tenant, kind, request_id: id }) => [tenant, kind, id])).toEqual([
        ['acme', 'event', 'r1'],
        ['other', 'event', 'r2'],
        ['other', 'reject', undefined],
        ['other', 'event', 'r4'],
        ['acme', 'reject', undefined],
      ])
      expect(records[2]).toMatchObject({ code: refused.code, path: refused.path, name: 'returned', item: several.labels[1] })
      expect(await metric(gateway, /^hindsight_ingested_items_total\{.*accepted/)).toBe(3)
      const status = (await (await fetch(`${gateway.admin}/status`)).json()) as { status: { label_stream: object } }
      expect(status.status.label_stream).toMatchObject({ stream, consumer, subject: 'labels.*.>', state: 'consuming' })
    })

    it('that are none are refused, kept as they came, and never delivered again', async () => {
      await addStream()
      const gateway = await startGateway()
      const bytes = Uint8Array.from([0x7b, 0xff, 0xfe])
      const poison: [Sending, unknown, object][] = [
        [{ raw: '{"label":' }, undefined, { code: 'invalid_json', item: '{"label":' }],
        [{ raw: bytes }, undefined, { code: 'invalid_json', item: Buffer.from(bytes).toString('base64') }],
        [{ raw: '' }, undefined, { code: 'invalid_json', item: '' }],
        [{ raw: '['.repeat(20_000) }, undefined, { code: 'too_deep' }],
        [{}, label(1, { colour: 'red' }), { code: 'invalid_request', path: 'colour', name: 'returned', item: label(1, { colour: 'red' }) }],
        [{}, [label(1)], { code: 'invalid_request' }],
        [{ raw: JSON.stringify({ labels: [label(1, { value_text: 'x'.repeat(300_000) })] }) }, undefined, { code: 'body_too_large' }],
        [{ subject: 'labels.ACME!.x' }, label(1), { code: 'invalid_request', path: 'tenant', tenant: 'default' }],
      ]
      for (const [sending, body] of poison) {
        const answer = await ask(body, sending)
        expect(answer.status).toBeGreaterThanOrEqual(400)
        expect(answer.body).toMatchObject({ error: { request_id: expect.any(String) as string } })
      }
      await publish(label(2))
      await untilTaken()
      const records = await stored()
      expect(records.map(({ kind }) => kind)).toEqual([...poison.map(() => 'reject'), 'event'])
      for (const [at, [, , expected]] of poison.entries()) expect(records[at]).toMatchObject(expected)
      expect(await metric(gateway, /^hindsight_label_messages_total\{.*refused/)).toBe(poison.length)
      expect(await metric(gateway, /^hindsight_label_messages_redelivered_total/)).toBe(0)
    })

    it('answer where the sender listens, and on no subject that is not an inbox', async () => {
      await addStream()
      await startGateway()
      const heard: string[] = []
      const listening = nc.subscribe('hindsight.>', { callback: (_, message) => void heard.push(message.subject) })
      await publish(label(1), { replyTo: 'hindsight.confirm' })
      await publish(label(2), { replyTo: '_INBOX.*' })
      expect(await ask(label(3))).toMatchObject({ status: 202 })
      await untilTaken()
      expect(heard).toEqual([])
      listening.unsubscribe()
    })

    it('under the id of an earlier message are answered as it was, and another body under it is refused', async () => {
      await addStream()
      const gateway = await startGateway()
      const first = await ask(label(1), { id: 'n-1' })
      // The stream itself drops what comes under the same id within its window; here it comes after that.
      expect(await ask(label(1), { id: 'n-1' })).toEqual({ ...first, replayed: true })
      const other = await ask(label(1, { value_number: 0 }), { id: 'n-1' })
      expect(other).toMatchObject({ status: 422, body: { error: { code: 'idempotency_mismatch' } } })
      // Another tenant's key is another key.
      expect(await ask(label(1), { id: 'n-1', subject: 'labels.other.x' })).toMatchObject({ replayed: false })
      await untilTaken()
      const records = await stored()
      expect(records.map(({ tenant, kind, code }) => [tenant, kind, code])).toEqual([
        ['acme', 'event', undefined],
        ['acme', 'reject', 'idempotency_mismatch'],
        ['other', 'event', undefined],
      ])
      expect(await metric(gateway, /^hindsight_label_messages_total\{.*replayed/)).toBe(1)
    })

    it.each<FailpointName>(['gateway.after_claim', 'gateway.before_commit', 'gateway.after_commit', 'gateway.after_complete'])(
      'killed at %s: the next delivery loses nothing and doubles nothing',
      async (at) => {
        await addStream()
        const gateway = await startGateway()
        armFailpoint(join(root, 'failpoints'), at)
        await publish({ labels: [label(1), label(2, { value_number: 7 }), label(3)] })
        await expect
          .poll(() =>
            fetch(`${gateway.url}/livez`).then(
              () => true,
              () => false,
            ),
          )
          .toBe(false)
        gateways.length = 0
        await startGateway()
        await publish(label(4))
        await untilTaken()
        const records = await stored()
        expect(targetsOf(records).toSorted()).toEqual(['r1', 'r3', 'r4'])
        expect(records.filter(({ kind }) => kind === 'reject')).toHaveLength(1)
      },
    )

    it('killed between the commit and the answer to one that is no label: it is kept once', async () => {
      await addStream()
      const gateway = await startGateway()
      armFailpoint(join(root, 'failpoints'), 'gateway.after_complete')
      await publish(undefined, { raw: 'no label' })
      await expect
        .poll(() =>
          fetch(`${gateway.url}/livez`).then(
            () => true,
            () => false,
          ),
        )
        .toBe(false)
      gateways.length = 0
      await startGateway()
      await publish(label(4))
      await untilTaken()
      expect((await stored()).map(({ kind, code }) => [kind, code])).toEqual([
        ['reject', 'invalid_json'],
        ['event', undefined],
      ])
    })

    it('two gateways share the consumer, and one of them is killed and comes back: each label is stored once', async () => {
      await addStream()
      const count = 1_500
      const [one] = await Promise.all([startGateway('gateway-0'), startGateway('gateway-1')])
      const numbers = Array.from({ length: count }, (_, at) => at)
      armFailpoint(join(root, 'failpoints'), 'gateway.after_commit', 200)
      const js = jetstream(nc)
      for (let from = 0; from < count; from += 250)
        await Promise.all(numbers.slice(from, from + 250).map((number) => js.publish('labels.acme.returns', JSON.stringify(label(number)))))
      // The failpoint ends whichever gateway comes to its 200th commit.
      const [survivors, dead] = await deadAmong(gateways)
      expect(dead).toHaveLength(1)
      gateways = survivors
      await startGateway(dead[0] === one ? 'gateway-0' : 'gateway-1')
      await untilTaken()
      const targets = targetsOf(await stored())
      expect(targets).toHaveLength(count)
      expect(new Set(targets).size).toBe(count)
    })

    it('wait in the stream while the gateway has no room', async () => {
      await addStream()
      // Nobody empties the outbox, which is full as soon as its oldest record is a second old.
      const full = await startGateway('gateway-0', { HINDSIGHT_OUTBOX_MAX_AGE_MS: '1000' })
      await publish(label(0))
      await untilTaken()
      await expect.poll(() => metric(full, /^hindsight_outbox_age_seconds\{.*labels/)).toBeGreaterThan(1)
      for (const number of [1, 2, 3]) await publish(label(number))
      await expect.poll(() => metric(full, /^hindsight_label_messages_total\{.*retried/)).toBeGreaterThan(0)
      expect(targetsOf(await stored())).toEqual(['r0'])
      await kill(full)
      await startGateway()
      await untilTaken()
      expect(targetsOf(await stored()).toSorted()).toEqual(['r0', 'r1', 'r2', 'r3'])
    })

    it('of one stream are stored in its order', async () => {
      await addStream()
      const numbers = Array.from({ length: 400 }, (_, at) => at)
      for (const number of numbers) await publish(label(number))
      await startGateway()
      await untilTaken()
      expect(targetsOf(await stored())).toEqual(numbers.map((number) => `r${number}`))
    })

    it('are taken when NATS, its stream or the consumer comes, goes and comes back', async () => {
      const gateway = await startGateway()
      await expect
        .poll(async () => (await (await fetch(`${gateway.admin}/status`)).json()) as unknown)
        .toMatchObject({
          status: { label_stream: { state: 'waiting', problem: expect.stringContaining(`no stream ${stream}`) as string } },
        })
      await addStream()
      await publish(label(1))
      await untilTaken()
      await nats.restart()
      await expect
        .poll(() =>
          publish(label(2)).then(
            () => true,
            () => false,
          ),
        )
        .toBe(true)
      await untilTaken()
      await jsm.consumers.delete(stream, consumer)
      await publish(label(3))
      await untilTaken()
      // A stream that is made anew counts from 1 again, and what it brings is new.
      await jsm.streams.delete(stream)
      await addStream()
      await publish(label(4))
      await untilTaken()
      await expect.poll(async () => [...new Set(targetsOf(await stored()))]).toEqual(['r1', 'r2', 'r3', 'r4'])
      expect(targetsOf(await stored())).toHaveLength(4)
      expect(await gateway.stop()).toBe(0)
      gateways.length = 0
    })

    it('a gateway that ends hands back what it has not taken: the next one has it at once', async () => {
      await addStream()
      const first = await startGateway('gateway-0', { NATS_ACK_WAIT_MS: '60000' })
      for (let number = 0; number < 300; number++) nc.publish('labels.acme.x', JSON.stringify(label(number)))
      await nc.flush()
      expect(await first.stop()).toBe(0)
      gateways.length = 0
      await startGateway('gateway-0', { NATS_ACK_WAIT_MS: '60000' })
      const startedAt = performance.now()
      await untilTaken()
      expect(performance.now() - startedAt).toBeLessThan(50_000)
      const targets = targetsOf(await stored())
      expect([targets.length, new Set(targets).size]).toEqual([300, 300])
    })
  })
})

/** The gateways that live and those that do not, once one of them does not. */
async function deadAmong(all: readonly GatewayProcess[]): Promise<[GatewayProcess[], GatewayProcess[]]> {
  for (;;) {
    const alive = await Promise.all(
      all.map(({ url }) =>
        fetch(`${url}/livez`).then(
          () => true,
          () => false,
        ),
      ),
    )
    if (alive.includes(false)) return [all.filter((_, at) => alive[at]), all.filter((_, at) => !alive[at])]
  }
}
