import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import type * as OutboxReader from '../../platform/outbox/read/outbox-consumer.ts'
import { predictBodies, predictPath } from '../logger/flights.ts'
import { createClient } from '../generator/client.ts'
import { startOpenLoop } from '../generator/open-loop.ts'
import { type LoadPart, toPart } from '../generator/tally.ts'
import { ownRuntime, type ServiceProcess } from '../logger/service-process.ts'
import { processorTimeUs } from './processor-time.ts'
import type { Setup } from './setups.ts'
import { type ClosedLoopResult, runWrk } from './wrk.ts'
import { type ServerPlace, type Variant, type VariantName, variants } from './variants.ts'

/** `processorUs` is the processor time that the server took for each request that it answered, in microseconds. */
export type ServerResult = ClosedLoopResult & { processorUs: number }

/** One server, ready and warm, to be measured as often as wanted. */
export type Measured = {
  variant: VariantName
  setup: string
  closedLoop(options: { seconds: number; clients?: number }): Promise<ServerResult>
  openLoop(options: { seconds: number; perSecond: number }): Promise<LoadPart>
  stop(): Promise<void>
}

const manyClients = 32
const warmUpSeconds = 3
/** The requests after which V8 has compiled what it will compile; for a slow server the loops end the wait. */
const warmUpRequests = 15_000
const mostWarmUpLoops = 10

type MeasureOptions = Omit<ServerPlace, 'runtime' | 'nodeArgs'> & { profileDir?: string | undefined }

/** Starts a server and warms it up; `dir` is its own. */
export async function startMeasured(
  variant: VariantName,
  { runtime, label }: Setup,
  { profileDir, ...place }: MeasureOptions,
): Promise<Measured> {
  const { dir } = place
  mkdirSync(dir, { recursive: true })
  const bodiesFile = join(dir, 'bodies.jsonl')
  writeFileSync(bodiesFile, predictBodies().join('\n'))
  const nodeArgs = profileDir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${resolve(profileDir, variant, label)}`]
  const { start, keyed: isKeyed }: Variant = variants[variant]
  const server: ServiceProcess = await start({ ...place, runtime, nodeArgs })
  const pid = server.pid ?? Number.NaN
  const outbox = join(dir, 'data', 'outbox')
  const closedLoop = async ({ seconds, clients = manyClients }: { seconds: number; clients?: number }) => {
    const before = processorTimeUs(pid)
    const keyPrefix = isKeyed ? `${randomUUID()}-` : undefined
    const result = await runWrk({ url: `${server.http}${predictPath}`, seconds, clients, bodiesFile, keyPrefix })
    const processorUs = (processorTimeUs(pid) - before) / (result.requestsPerSecond * seconds)
    checkLogged(variant, await emptyOutbox(outbox, runtime.root))
    return { ...result, processorUs }
  }
  try {
    await warmUp(closedLoop)
  } catch (error) {
    await server.stop()
    throw error
  }
  return {
    variant,
    setup: label,
    closedLoop,
    async openLoop({ seconds, perSecond }) {
      const client = createClient({ url: `${server.http}${predictPath}`, bodies: predictBodies() })
      const load = startOpenLoop(client, perSecond)
      await sleep(1000)
      await load.part()
      await sleep(seconds * 1000)
      load.stop()
      const part = toPart(await load.part())
      client.close()
      await emptyOutbox(outbox, runtime.root)
      return part
    },
    stop: () => server.stop(),
  }
}

async function warmUp(closedLoop: Measured['closedLoop']): Promise<void> {
  let answered = 0
  for (let loop = 0; loop < mostWarmUpLoops && answered < warmUpRequests; loop++)
    answered += (await closedLoop({ seconds: warmUpSeconds })).requestsPerSecond * warmUpSeconds
}

/** Throws where a server logs that should not, or the other way round: its comparison with the others would say nothing. */
function checkLogged(variant: VariantName, events: number): void {
  if (events > 0 !== variants[variant].logs) throw new Error(`${variant} wrote ${events} prediction events`)
}

/**
 * Confirms everything in the logger's place, between measurements: what nobody confirms would fill the disk.
 * The reader is that of the code which wrote it. Resolves to the number of prediction events.
 */
export async function emptyOutbox(dir: string, root = ownRuntime.root): Promise<number> {
  if (!existsSync(dir)) return 0
  let events = 0
  const { openOutboxConsumer } = (await import(
    pathToFileURL(join(root, 'platform/outbox/read/outbox-consumer.ts')).href
  )) as typeof OutboxReader
  const consumer = await openOutboxConsumer({ dir, name: 'logger', lanes: ['predictions'] })
  for (;;) {
    const records = await consumer.fetch({ maxRecords: 10_000, maxBytes: 64 * 1024 ** 2, waitMs: 500 })
    if (records.length === 0) break
    events += records.filter(({ kind }) => kind === 'event').length
    await consumer.confirm(records)
  }
  await consumer.close()
  return events
}
