import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ImportReport } from './import-labels.ts'
import { labelTypes } from '../testing/label-types.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const count = 6_000
/** Every eleventh value is a word, which is refused before it is sent; every seventeenth request the gateway refuses. */
const isWord = (number: number) => number % 11 === 0
const isRefused = (number: number) => number % 17 === 0

type Sent = { label_id: string; request_id: string }
type Gateway = { url: string; stored: Map<string, string>; bodies: number; server: Server }

/** Stores labels by id. At its body `holdAt`, counted from 1, it stores and never answers. */
async function startGateway(options: { holdAt?: number; onHold?: () => void } = {}): Promise<Gateway> {
  const gateway: Gateway = { url: '', stored: new Map(), bodies: 0, server: createServer() }
  gateway.server.on('request', async (request, response) => {
    let text = ''
    for await (const chunk of request) text += String(chunk)
    if (request.method === 'GET') return response.end(JSON.stringify({ labels: [...labelTypes.values()].map(toDefinition) }))
    gateway.bodies += 1
    const { labels } = JSON.parse(text) as { labels: Sent[] }
    const refused = labels.flatMap(({ request_id: id }, index) =>
      isRefused(Number(id.slice(1))) ? [{ index, code: 'out_of_range', path: 'value_number', message: 'no' }] : [],
    )
    const indexes = new Set(refused.map(({ index }) => index))
    for (const [index, { label_id, request_id }] of labels.entries()) if (!indexes.has(index)) gateway.stored.set(label_id, request_id)
    if (gateway.bodies === options.holdAt) return options.onHold?.()
    response.writeHead(202).end(JSON.stringify({ accepted: labels.length - refused.length, rejected: refused }))
  })
  gateway.server.listen(0, '127.0.0.1')
  await once(gateway.server, 'listening')
  gateway.url = `http://127.0.0.1:${(gateway.server.address() as AddressInfo).port}`
  return gateway
}

const toDefinition = (type: object) => ({ description: 'd', owner: 'o', maturity_seconds: 60, silence: 'unknown', ...type })

/** A run of the command; `killed` when it was ended from outside. */
function startImport(file: string, url: string, ...more: string[]) {
  const args = ['bin/hindsight.js', 'labels', 'import', file, '--label', 'late', '--json', ...more]
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...process.env, HINDSIGHT_URL: url, HINDSIGHT_DATA_DIR: join(dir, 'data') },
  })
  let out = ''
  let errors = ''
  child.stdout.on('data', (chunk) => (out += String(chunk)))
  child.stderr.on('data', (chunk) => (errors += String(chunk)))
  const ended = once(child, 'close').then(([code]) => ({
    code: code as number | null,
    errors,
    report: () => JSON.parse(out) as ImportReport,
  }))
  return { kill: () => child.kill('SIGKILL'), ended }
}

const rejectsIn = async (path: string) =>
  (await readFile(path, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { line: number }).line)

const numbers = Array.from({ length: count }, (_, at) => at + 1)
const lineOf = (number: number) => number + 1
const rejectedLines = numbers.filter((number) => isWord(number) || isRefused(number)).map(lineOf)
const acceptedIds = numbers.filter((number) => !isWord(number) && !isRefused(number)).map((number) => `r${number}`)

let dir: string
let file: string
let gateways: Gateway[]
beforeEach(async () => {
  gateways = []
  dir = await mkdtemp(join(tmpdir(), 'hindsight-import-'))
  file = join(dir, 'labels.csv')
  const rows = numbers.map((number) => `r${number},${isWord(number) ? 'word' : 1},2001-06-04T12:00:00Z`)
  await writeFile(file, ['request_id,value_number,event_time', ...rows, ''].join('\n'))
})
afterEach(async () => {
  for (const { server } of gateways) {
    server.closeAllConnections()
    server.close()
  }
  await rm(dir, { recursive: true, force: true })
})

/** Imports until the gateway holds a body, and kills the import there. */
async function importUntilKilled(holdAt: number): Promise<Gateway> {
  let held: () => void = () => undefined
  const atHold = new Promise<void>((resolve) => (held = resolve))
  const gateway = await startGateway({ holdAt, onHold: held })
  gateways.push(gateway)
  const running = startImport(file, gateway.url)
  await atHold
  running.kill()
  expect((await running.ended).code).toBe(null)
  return gateway
}

test.each([1, 4])(
  'an import that is killed at body %i goes on where it was: nothing is lost or doubled, and every rejection is kept once',
  async (holdAt) => {
    const gateway = await importUntilKilled(holdAt)
    const before = gateway.bodies
    const { code, report } = await startImport(file, gateway.url).ended
    expect(code).toBe(1)
    expect(report()).toMatchObject({
      read: count,
      accepted: acceptedIds.length,
      rejected: rejectedLines.length,
      rejects_file: `${file}.rejects.jsonl`,
    })
    expect([...gateway.stored.values()].toSorted()).toEqual(acceptedIds.toSorted())
    expect((await rejectsIn(`${file}.rejects.jsonl`)).toSorted((a, b) => a - b)).toEqual(rejectedLines)
    if (holdAt > 1) {
      expect(report().resumed_after).toBeGreaterThan(0)
      expect(gateway.bodies - before).toBeLessThan(count / 1000)
    }
    expect((await readdir(dir)).toSorted()).toEqual(['labels.csv', 'labels.csv.rejects.jsonl'])
  },
)

test('an import whose gateway goes away ends with an error, and goes on at another time', async () => {
  const gateway = await startGateway({
    holdAt: 3,
    onHold: () => {
      gateway.server.closeAllConnections()
      gateway.server.close()
    },
  })
  gateways.push(gateway)
  const first = await startImport(file, gateway.url).ended
  expect(first).toMatchObject({ code: 1, errors: expect.stringContaining('not_ready') as string })
  const { port } = new URL(gateway.url)
  const second = await startGateway()
  gateways.push(second)
  second.server.close()
  second.server.listen(Number(port), '127.0.0.1')
  await once(second.server, 'listening')
  const { report } = await startImport(file, gateway.url).ended
  expect(report()).toMatchObject({ read: count, accepted: acceptedIds.length, rejected: rejectedLines.length })
  expect(new Set([...gateway.stored.values(), ...second.stored.values()])).toEqual(new Set(acceptedIds))
  expect(second.stored.size).toBeLessThan(acceptedIds.length)
})

test('a file that was changed, and --restart, begin at the first record', async () => {
  const gateway = await importUntilKilled(4)
  const restarted = await startImport(file, gateway.url, '--restart').ended
  expect(restarted.report()).not.toHaveProperty('resumed_after')
  expect(await rejectsIn(`${file}.rejects.jsonl`)).toHaveLength(rejectedLines.length)
  const again = await importUntilKilled(4)
  await utimes(file, new Date(), new Date(Date.now() + 5_000))
  const changed = await startImport(file, again.url).ended
  expect(changed.report()).not.toHaveProperty('resumed_after')
  expect(changed.report()).toMatchObject({ read: count, accepted: acceptedIds.length })
})

test('rejections go where --rejects says, of a dry run as well, and an import without any leaves no file', async () => {
  const gateway = await startGateway()
  gateways.push(gateway)
  const elsewhere = join(dir, 'refused.jsonl')
  const { report } = await startImport(file, gateway.url, '--dry-run', '--rejects', elsewhere).ended
  expect(report()).toMatchObject({ dry_run: true, rejected: rejectedLines.length, rejects_file: elsewhere })
  expect(await rejectsIn(elsewhere)).toHaveLength(rejectedLines.length)
  const good = join(dir, 'good.csv')
  await writeFile(good, 'request_id,value_number,event_time\nr1,1,2001-06-04T12:00:00Z\n')
  await writeFile(`${good}.rejects.jsonl`, '{"line":1}\n')
  const clean = await startImport(good, gateway.url).ended
  expect(clean.code).toBe(0)
  expect(clean.report()).not.toHaveProperty('rejects_file')
  expect(await readdir(dir)).not.toContain('good.csv.rejects.jsonl')
  const unwritable = await startImport(good, gateway.url, '--rejects', join(dir, 'nowhere', 'x.jsonl')).ended
  expect(unwritable).toMatchObject({ code: 1, errors: expect.stringContaining('cannot be written') as string })
})
