import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createClient } from '../generator/client.ts'
import { runClosedLoop } from '../generator/closed-loop.ts'
import { predictBodies, predictPath } from './flights.ts'

/** `requestsPerSecond` counts predictions that were answered with one; the others have `failed`. */
export type ClosedLoop = { generator: 'wrk' | 'node'; requestsPerSecond: number; failed: number }
type ClosedLoopOptions = { url: string; seconds: number; clients: number; scratchDir: string }

const script = fileURLToPath(new URL('./predict.lua', import.meta.url))
const bodies = predictBodies()

/** Counts the predictions that the gateway answers to clients that each wait for one answer before they ask again. */
export async function closedLoop(options: ClosedLoopOptions): Promise<ClosedLoop> {
  return (await withWrk(options)) ?? (await withNode(options))
}

/** The loop by wrk, which takes much less of the machine than a client in Node; undefined where there is no wrk. */
async function withWrk({ url, seconds, clients, scratchDir }: ClosedLoopOptions): Promise<ClosedLoop | undefined> {
  const file = join(scratchDir, 'bodies.jsonl')
  await writeFile(file, bodies.join('\n'))
  const args = ['-t', '1', '-c', String(clients), '-d', `${seconds}s`, '-s', script, `${url}${predictPath}`]
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

async function withNode({ url, seconds, clients }: ClosedLoopOptions): Promise<ClosedLoop> {
  const client = createClient({ url: `${url}${predictPath}`, bodies })
  const { tally, seconds: measured } = await runClosedLoop(client, { clients, seconds })
  client.close()
  const answered = tally.answeredMs.length
  return { generator: 'node', requestsPerSecond: answered / measured, failed: tally.sent - answered }
}
