import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { getPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { niceness } from './give-way.ts'
import { readRunFile } from './run-files.ts'
import type { ServiceMessage } from './service.ts'

const sample = fileURLToPath(new URL('./testing/sample-service.ts', import.meta.url))

let dir: string
let children: ChildProcess[] = []
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'hindsight-runner-'))
})
afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  children = []
  rmSync(dir, { recursive: true, force: true })
})

describe('a service under a supervisor', () => {
  test('says that it is ready, answers on its admin listener, drains on SIGTERM with status 0', async () => {
    const { child, ready } = await startSample()
    expect(readRunFile(dir, 'gateway')).toMatchObject({ pid: child.pid, admin: ready.admin, addresses: ready.addresses })
    expect(await (await fetch(`${ready.addresses.http}/`)).text()).toBe('hello')

    expect((await fetch(`${ready.admin}/livez`)).status).toBe(200)
    expect(await (await fetch(`${ready.admin}/readyz`)).json()).toEqual({ ready: true, checks: { listening: true } })
    expect(await (await fetch(`${ready.admin}/metrics`)).text()).toContain('sample_requests_total 1')
    expect(await (await fetch(`${ready.admin}/status`)).json()).toMatchObject({ service: 'gateway', ready: true, draining: false })

    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([0, null])
    expect(readFileSync(join(dir, 'trace'), 'utf8')).toBe('drain\ndrained\n')
    expect(readRunFile(dir, 'gateway')).toBeUndefined()
  })

  test.each([
    ['gateway', getPriority()],
    ['labeler', Math.max(niceness, getPriority())],
  ])('%s has the priority %i, its threads too', async (service, priority) => {
    const { child } = await startSample({ SAMPLE_NAME: service })
    expect(new Set(threadsOf(child.pid).map(getPriority))).toEqual(new Set([priority]))
  })

  test('ignores SIGINT, and drains when its supervisor is gone', async () => {
    const { child } = await startSample()
    child.kill('SIGINT')
    child.disconnect()
    expect(await once(child, 'exit')).toEqual([0, null])
    expect(readFileSync(join(dir, 'trace'), 'utf8')).toBe('drain\ndrained\n')
    expect(child.stderrText).toContain('"reason":"supervisor gone"')
  })

  test('exits 1 when the drain outlasts its deadline', async () => {
    const { child } = await startSample({ SAMPLE_DRAIN_MS: '60000', HINDSIGHT_DRAIN_TIMEOUT_MS: '100' })
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([1, null])
  })

  test('exits 1 after a fault that it reported', async () => {
    const { child, ready } = await startSample()
    const exit = once(child, 'exit')
    await fetch(`${ready.addresses.http}/fail`).catch(() => undefined)
    expect(await exit).toEqual([1, null])
    expect(child.stderrText).toContain('asked to fail')
    expect(readRunFile(dir, 'gateway')).toBeUndefined()
  })
})

describe('a service that cannot start', () => {
  test('says every config error in one message', async () => {
    const child = spawnSample({ SAMPLE_TRACE: '', HINDSIGHT_PORT: 'many' })
    const [message] = (await once(child, 'message')) as [ServiceMessage]
    expect(message).toMatchObject({ type: 'failed', code: 'invalid_config' })
    expect((message as { message: string }).message).toMatch(/HINDSIGHT_PORT: .*\nSAMPLE_TRACE: /)
    expect(await once(child, 'exit')).toEqual([1, null])
  })

  test('names the port that is taken, in one line', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    const child = spawnSample({ HINDSIGHT_PORT: String(port), HINDSIGHT_LOG_LEVEL: 'fatal' }, ['pipe', 'pipe', 'pipe'])
    expect(await once(child, 'exit')).toEqual([1, null])
    expect(child.stderrText).toContain(
      `error: gateway: port ${port} on 127.0.0.1 is taken (choose another with --port or HINDSIGHT_PORT)\n`,
    )
    other.close()
  })

  test('names the data directory that cannot be written', async () => {
    writeFileSync(join(dir, 'file'), '')
    const child = spawnSample({ HINDSIGHT_DATA_DIR: join(dir, 'file') }, ['pipe', 'pipe', 'pipe'])
    expect(await once(child, 'exit')).toEqual([1, null])
    expect(child.stderrText).toMatch(/^error: gateway: cannot write to the data directory .*\n$/)
  })
})

test('a service on its own drains on SIGINT', async () => {
  const child = spawnSample({}, ['pipe', 'pipe', 'pipe'])
  await expect.poll(() => readRunFile(dir, 'gateway')).toBeDefined()
  child.kill('SIGINT')
  expect(await once(child, 'exit')).toEqual([0, null])
})

type Sample = ChildProcess & { stderrText: string }

function spawnSample(env: Record<string, string>, stdio: ('pipe' | 'ipc')[] = ['pipe', 'pipe', 'pipe', 'ipc']): Sample {
  const child = spawn(process.execPath, ['--import=#typescript', sample], {
    stdio,
    env: { ...process.env, HINDSIGHT_DATA_DIR: dir, HINDSIGHT_PORT: '0', SAMPLE_TRACE: join(dir, 'trace'), ...env },
  })
  children.push(child)
  const withText = Object.assign(child, { stderrText: '' })
  child.stderr?.on('data', (chunk: Buffer) => (withText.stderrText += chunk.toString()))
  return withText
}

async function startSample(env: Record<string, string> = {}) {
  const child = spawnSample(env)
  const [ready] = (await once(child, 'message')) as [ServiceMessage & { type: 'ready' }]
  expect(ready.type).toBe('ready')
  return { child, ready }
}

/** On Linux each thread has a priority of its own. */
function threadsOf(pid: number | undefined): number[] {
  const dir = `/proc/${pid}/task`
  return existsSync(dir) ? readdirSync(dir).map(Number) : [pid ?? 0]
}
