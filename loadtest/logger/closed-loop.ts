import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { predictBody } from './flights.ts'
import { createPredictClient } from './predict-client.ts'

/** `requestsPerSecond` counts predictions that were answered with one; the others have `failed`. */
export type ClosedLoop = { generator: 'wrk' | 'node'; requestsPerSecond: number; failed: number }
type Options = { url: string; seconds: number; clients: number; scratchDir: string }

const script = fileURLToPath(new URL('./predict.lua', import.meta.url))
const bodies = Array.from({ length: 500 }, (_, index) => predictBody(index))

/** Counts the predictions that the gateway answers to clients that each wait for one answer before they ask again. */
export async function closedLoop(options: Options): Promise<ClosedLoop> {
  return (await withWrk(options)) ?? (await withNode(options))
}

/** The loop by wrk, which takes much less of the machine than a client in Node; undefined where there is no wrk. */
async function withWrk({ url, seconds, clients, scratchDir }: Options): Promise<ClosedLoop | undefined> {
  const file = join(scratchDir, 'bodies.jsonl')
  await writeFile(file, bodies.join('\n'))
  const args = ['-t', '1', '-c', String(clients), '-d', `${seconds}s`, '-s', script, `${url}/v1/models/flight-delay/predict`]
  try {
    const { stdout } = await promisify(execFile)('wrk', args, { env: { ...process.env, WRK_BODIES: file } })
    const numberAfter = (pattern: RegExp) => Number(pattern.exec(stdout)?.[1] ?? 0)
    const failed = numberAfter(/Non-2xx or 3xx responses: (\d+)/)
    const answered = numberAfter(/(\d+) requests in/) - failed
    return { generator: 'wrk', requestsPerSecond: answered / seconds, failed }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function withNode({ url, seconds, clients }: Options): Promise<ClosedLoop> {
  const predict = createPredictClient(url)
  const end = performance.now() + seconds * 1000
  let [answered, failed] = [0, 0]
  const client = async () => {
    while (performance.now() < end) {
      const { status } = await predict.send(bodies[answered++ % bodies.length] as string)
      if (status !== 200) failed += 1
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
  predict.close()
  return { generator: 'node', requestsPerSecond: (answered - failed) / seconds, failed }
}
