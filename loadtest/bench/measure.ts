import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { predictBody } from '../logger/flights.ts'
import { startOpenLoop, type OpenLoopPart } from '../logger/open-loop.ts'
import type { ServiceProcess } from '../logger/service-process.ts'
import { type ClosedLoopResult, runWrk } from './wrk.ts'
import { type Place, type VariantName, variants } from './variants.ts'
import { openOutboxConsumer } from '../../platform/outbox/read/outbox-consumer.ts'

/** One server, ready and warm, to be measured as often as wanted. */
export type Measured = {
  name: VariantName
  closedLoop(seconds: number): Promise<ClosedLoopResult>
  openLoop(options: { seconds: number; perSecond: number }): Promise<OpenLoopPart>
  stop(): Promise<void>
}

const clients = 32
const warmUpSeconds = 3

export async function startMeasured(name: VariantName, options: Omit<Place, 'nodeArgs'> & { profileDir?: string }): Promise<Measured> {
  const dir = join(options.dir, name)
  mkdirSync(dir, { recursive: true })
  const bodiesFile = join(dir, 'bodies.jsonl')
  writeFileSync(bodiesFile, Array.from({ length: 500 }, (_, index) => predictBody(index)).join('\n'))
  const profile = options.profileDir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${join(options.profileDir, name)}`]
  const { path, start } = variants[name]
  const server: ServiceProcess = await start({ ...options, dir, nodeArgs: profile })
  const closedLoop = (seconds: number) => runWrk({ url: `${server.http}${path}`, seconds, clients, bodiesFile })
  await closedLoop(warmUpSeconds)
  return {
    name,
    async closedLoop(seconds) {
      const result = await closedLoop(seconds)
      await emptyOutbox(join(dir, 'data', 'outbox'))
      return result
    },
    async openLoop({ seconds, perSecond }) {
      const load = startOpenLoop({ url: server.http, perSecond })
      await sleep(1000)
      await load.part()
      await sleep(seconds * 1000)
      const part = await load.part()
      await load.stop()
      return part
    },
    stop: () => server.stop(),
  }
}

/** Confirms everything in the logger's place, between measurements: what nobody confirms would fill the disk. */
export async function emptyOutbox(dir: string): Promise<void> {
  if (!existsSync(dir)) return
  const consumer = await openOutboxConsumer({ dir, name: 'logger', lanes: ['predictions'] })
  for (;;) {
    const records = await consumer.fetch({ maxRecords: 10_000, maxBytes: 64 * 1024 ** 2, waitMs: 500 })
    if (records.length === 0) break
    await consumer.confirm(records)
  }
  await consumer.close()
}
