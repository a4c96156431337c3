import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { ServiceError } from '../../contracts/errors.ts'
import type { AcceptedResponse } from '../../contracts/http.ts'
import type { LabelFields } from '../../contracts/label-event.ts'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createGatewayLabels } from './gateway-labels.ts'
import { importLabels, type ImportOptions } from './import-labels.ts'
import { toImportText } from './import-text.ts'
import type { FileRow, FileSource } from '../../platform/files/file-source.ts'
import { toLabel } from './to-label.ts'
import { labelTypes as definitions } from '../testing/label-types.ts'

const event = (number: number, more: object = {}) => ({
  label: 'late',
  request_id: `r${number}`,
  value_number: 1,
  event_time: '2001-06-04T12:00:00+02:00',
  ...more,
})

/** A record with a long value. */
const long = (number: number, value_text: string, more: object = {}) => {
  const { value_number: _, ...rest } = event(number, { label: 'stage', value_text, ...more })
  return rest
}

function sourceOf(values: readonly Record<string, unknown>[]): FileSource {
  const rows = values.map((value, index): FileRow => ({ line: index + 1, value }))
  return {
    unit: 'rows',
    total: rows.length,
    done: () => rows.length,
    notes: [],
    rows: async function* () {
      yield* rows
    },
  }
}

describe('toLabel', () => {
  test('gives equal content an equal id, however its time is written, and other content another', () => {
    const idOf = (record: Record<string, unknown>) => (toLabel(record, { definitions }) as LabelFields).label_id
    expect(idOf(event(1))).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5/)
    expect(idOf(event(1, { event_time: '2001-06-04T10:00:00.000Z' }))).toBe(idOf(event(1)))
    expect(idOf(event(1, { value_number: 0 }))).not.toBe(idOf(event(1)))
    expect(idOf(event(1, { label_id: 'mine' }))).toBe('mine')
  })

  test('names the field at fault, and takes the default label only where none is given', () => {
    expect(toLabel(event(1, { value_number: 'x' }), { definitions })).toMatchObject({
      problem: { code: 'invalid_request', path: 'value_number' },
    })
    expect(toLabel({ ...event(1), label: '' }, { definitions })).toMatchObject({ problem: { path: 'label' } })
    const { label: _, ...rest } = event(1)
    expect(toLabel(rest, { definitions, defaultLabel: 'minutes' })).toMatchObject({ label: 'minutes' })
    expect(toLabel(event(1), { definitions, defaultLabel: 'minutes' })).toMatchObject({ label: 'late' })
  })
})

describe('importLabels', () => {
  /** Answers as the gateway does: a malformed item refuses the whole body, another rejected item only itself. */
  function gateway({ malformed, rejected }: { malformed: ReadonlySet<string>; rejected: ReadonlySet<string> }) {
    const stored: string[] = []
    const bodies: number[] = []
    const post = async (labels: readonly LabelFields[]): Promise<AcceptedResponse> => {
      bodies.push(labels.length)
      const at = labels.findIndex(({ request_id }) => malformed.has(request_id ?? ''))
      if (at !== -1) throw new ServiceError('invalid_request', 'a label needs a target', { path: `labels[${at}].prediction_id` })
      const refused = labels.flatMap(({ request_id }, index) =>
        rejected.has(request_id ?? '') ? [{ index, code: 'unknown_label', path: 'label', message: 'no' }] : [],
      )
      stored.push(...labels.flatMap(({ request_id = '' }) => (rejected.has(request_id) ? [] : [request_id])))
      return { accepted: labels.length - refused.length, rejected: refused }
    }
    return { post, stored, bodies }
  }
  const run = (values: readonly Record<string, unknown>[], post: ImportOptions['post']) =>
    importLabels({ source: sourceOf(values), post, dryRun: false, toLabel: { definitions } })

  test('sends every record once, in batches that a body can hold', async () => {
    const { post, stored, bodies } = gateway({ malformed: new Set(), rejected: new Set() })
    const values = Array.from({ length: 2500 }, (_, number) =>
      number < 5 ? long(number, 'x'.repeat(1000), { tags: Array.from({ length: 16 }, () => 'y'.repeat(64)) }) : event(number),
    )
    const report = await run(values, post)
    expect(report).toEqual({ dry_run: false, read: 2500, accepted: 2500, rejected: 0, rejections: [], warned: 0, warnings: [], notes: [] })
    expect(stored).toEqual(values.map(({ request_id }) => request_id))
    expect(Math.max(...bodies)).toBeLessThanOrEqual(1000)
  })

  test('keeps a body under its limit in bytes', async () => {
    const sizes: number[] = []
    const values = Array.from({ length: 900 }, (_, number) => long(number, 'ü'.repeat(500)))
    await run(values, async (labels) => {
      sizes.push(Buffer.byteLength(JSON.stringify({ labels })))
      return { accepted: labels.length, rejected: [] }
    })
    expect(Math.max(...sizes)).toBeLessThanOrEqual(256 * 1024)
    expect(sizes.length).toBeLessThan(10)
  })

  test('a refused record leaves the others accepted, and is reported by its line', async () => {
    const malformed = new Set(['r3', 'r700', 'r701'])
    const { post, stored } = gateway({ malformed, rejected: new Set(['r5']) })
    const values = Array.from({ length: 1200 }, (_, number) => (number === 9 ? { label: 'late' } : event(number)))
    const report = await run(values, post)
    expect(report).toMatchObject({ read: 1200, accepted: 1195, rejected: 5 })
    expect(new Set(report.rejections.map(({ line }) => line))).toEqual(new Set([4, 6, 10, 701, 702]))
    expect(report.rejections).toContainEqual({ line: 4, code: 'invalid_request', path: 'prediction_id', message: 'a label needs a target' })
    expect(stored).toHaveLength(1195)
    expect(new Set(stored).size).toBe(1195)
  })

  test('warnings of accepted labels are reported by their line', async () => {
    const warning = { code: 'event_before_anchor', path: 'event_time', message: 'no' }
    const post = async (labels: readonly LabelFields[]) => ({ accepted: labels.length, rejected: [], warnings: [{ index: 2, ...warning }] })
    const report = await run([event(1), event(2), event(3)], post)
    expect(report).toMatchObject({ accepted: 3, rejected: 0, warned: 1, warnings: [{ line: 3, ...warning }] })
    expect(toImportText('a.csv', report)).toContain('1 with a warning\n  line 3: warning event_before_anchor at event_time: no')
  })

  test('a file of nothing but malformed records costs one small request each', async () => {
    const values = Array.from({ length: 1500 }, (_, number) => event(number))
    const { post, bodies } = gateway({ malformed: new Set(values.map(({ request_id }) => request_id)), rejected: new Set() })
    expect(await run(values, post)).toMatchObject({ accepted: 0, rejected: 1500, rejections: { length: 1000 } })
    expect(bodies.reduce((sum, size) => sum + size, 0)).toBeLessThan(4000)
  })

  test('an unknown label for records that name none stops it before anything is read or sent', async () => {
    const { post, bodies } = gateway({ malformed: new Set(), rejected: new Set() })
    const source = sourceOf([event(1)])
    const rows = vi.spyOn(source, 'rows')
    const run = importLabels({ source, post, dryRun: false, toLabel: { definitions, defaultLabel: 'lat' } })
    await expect(run).rejects.toMatchObject({ code: 'unknown_label', message: expect.stringMatching(/"lat"; it defines late, /) as string })
    expect([rows.mock.calls, bodies]).toEqual([[], []])
  })

  test('a value that its label cannot have is never sent', async () => {
    const { post, stored } = gateway({ malformed: new Set(), rejected: new Set() })
    const values = [
      event(1),
      event(2, { label: 'minutes', value_number: true }),
      event(3, { label: 'lat' }),
      event(4, { value_number: true }),
    ]
    expect(await run(values, post)).toMatchObject({
      accepted: 2,
      rejections: [
        { line: 2, code: 'invalid_request', path: 'value_number' },
        { line: 3, code: 'unknown_label', path: 'label' },
      ],
    })
    expect(stored).toEqual(['r1', 'r4'])
  })

  test("stops at an error that is no record's fault", async () => {
    const refuse = async () => Promise.reject(new ServiceError('unauthorized', 'the key is wrong'))
    await expect(run([event(1), event(2)], refuse)).rejects.toMatchObject({ code: 'unauthorized' })
  })
})

describe('createGatewayLabels', () => {
  const seen: { body: string; key: string | undefined }[] = []
  let answers: { status: number; body: unknown }[] = []
  let server: Server
  beforeAll(async () => {
    vi.stubEnv('HINDSIGHT_API_KEY', 'k')
    server = createServer(async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      seen.push({ body: Buffer.concat(chunks).toString(), key: request.headers.authorization })
      const { status, body } = answers.shift() ?? { status: 202, body: { accepted: 1, rejected: [] } }
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  afterAll(() => {
    vi.unstubAllEnvs()
    return new Promise((resolve) => server.close(resolve))
  })
  const error = (code: string) => ({ error: { code, message: 'no', request_id: 'q' } })
  const binary = { name: 'late', description: 'Late.', owner: 'tests', type: 'binary', maturity_seconds: 60, silence: 'unknown' }
  const open = (url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`) => {
    seen.length = 0
    return createGatewayLabels(url, { firstMs: 1, mostMs: 1 })
  }

  test('tries again while the gateway says that it would help', async () => {
    answers = [
      { status: 503, body: error('overloaded') },
      { status: 503, body: error('draining') },
    ]
    const { post } = open()
    expect(await post([event(1)] as LabelFields[], { dryRun: true })).toEqual({ accepted: 1, rejected: [] })
    expect(seen).toHaveLength(3)
    expect(JSON.parse(seen.at(-1)?.body ?? '')).toMatchObject({ dry_run: true, labels: [{ request_id: 'r1' }] })
    expect(seen.at(-1)?.key).toBe('Bearer k')
  })

  test('gives the definitions by name', async () => {
    const nothing = { body: '', key: 'Bearer k' }
    answers = [
      { status: 503, body: error('not_ready') },
      { status: 200, body: { labels: [{ ...binary, a_later_field: 1 }] } },
    ]
    const { definitions } = open()
    expect(await definitions()).toEqual(new Map([['late', { ...binary, match: { kind: 'exact' }, which: 'all' }]]))
    expect(seen).toEqual([nothing, nothing])
  })

  test('gives up where it would not, and when nobody answers', async () => {
    answers = [{ status: 401, body: error('unauthorized') }]
    await expect(open().post([], { dryRun: false })).rejects.toMatchObject({ code: 'unauthorized' })
    expect(seen).toHaveLength(1)
    await expect(open('http://127.0.0.1:1').post([], { dryRun: false })).rejects.toMatchObject({ code: 'not_ready' })
  })
})
