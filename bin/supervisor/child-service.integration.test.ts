import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type ChildOptions, type ChildService, startChildService } from './child-service.ts'
import type { KeptProcessEvent } from '../../platform/service/kept-process.ts'

let dir: string
let child: ChildService | undefined
let events: KeptProcessEvent[]
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'hindsight-child-'))
  events = []
})
afterEach(async () => {
  await child?.stop(2000)
  rmSync(dir, { recursive: true, force: true })
})

test('starts a service, writes its log to a file, and drains it', async () => {
  const service = start()
  await service.started
  expect(service.state()).toMatchObject({ ready: true, restarts: 0 })
  expect(await service.stop(5000)).toEqual({ kind: 'drained' })
  expect(readFileSync(join(dir, 'trace'), 'utf8')).toBe('drain\ndrained\n')
  expect(readFileSync(join(dir, 'gateway.log'), 'utf8')).toContain('"msg":"drained"')
  expect(events).toEqual([{ kind: 'ready', restarts: 0 }])
})

test('starts a service again that was killed, at the same address', async () => {
  const service = start()
  await service.started
  const before = service.state()
  process.kill(before.pid ?? 0, 'SIGKILL')
  await expect.poll(() => service.state()).toMatchObject({ ready: true, restarts: 1, lastExit: { how: 'SIGKILL' } })
  expect(service.state().pid).not.toBe(before.pid)
  expect(service.state().addresses).toEqual(before.addresses)
  expect(await (await fetch(before.addresses['http'] ?? '')).text()).toBe('hello')
  expect(events.map((event) => event.kind)).toEqual(['ready', 'died', 'ready'])
})

test('reports one that keeps ending, and goes on trying', async () => {
  const service = start({ troubleAfter: 2 })
  await service.started
  writeFileSync(join(dir, 'broken'), '')
  process.kill(service.state().pid ?? 0, 'SIGKILL')
  await expect.poll(() => events.map((event) => event.kind)).toContain('gave_trouble')
  expect(service.state().lastExit?.reason).toContain('HINDSIGHT_PORT')
  rmSync(join(dir, 'broken'))
  await expect.poll(() => service.state().ready).toBe(true)
})

test('rejects with what the service said when it refuses to start', async () => {
  writeFileSync(join(dir, 'broken'), '')
  await expect(start().started).rejects.toThrow(/^gateway: HINDSIGHT_PORT: /)
})

test('lets one end that a signal to the whole group has reached too', async () => {
  const service = start()
  await service.started
  service.letEnd()
  process.kill(service.state().pid ?? 0, 'SIGTERM')
  await expect.poll(() => service.state().pid).toBeUndefined()
  expect(await service.stop(5000)).toEqual({ kind: 'drained' })
  expect(events.map((event) => event.kind)).toEqual(['ready'])
})

test('kills one that does not drain in time', async () => {
  const service = start({}, { SAMPLE_DRAIN_MS: '60000' })
  await service.started
  expect(await service.stop(200)).toEqual({ kind: 'slow' })
})

test('tells one that died while it was to drain from a slow one', async () => {
  const service = start({}, { SAMPLE_DRAIN_MS: '60000' })
  await service.started
  const end = service.stop(60_000)
  await expect.poll(() => existsSync(join(dir, 'trace'))).toBe(true)
  process.kill(service.state().pid ?? 0, 'SIGKILL')
  expect(await end).toEqual({ kind: 'died', how: 'SIGKILL' })
})

test('tells one that was killed while starting again, and waits for one whose end is just being noticed', async () => {
  const service = start()
  await service.started
  const first = service.state().pid ?? 0
  process.kill(first, 'SIGKILL')
  await expect.poll(() => service.state().pid ?? first).not.toBe(first)
  process.kill(service.state().pid ?? 0, 'SIGKILL')
  expect(await service.stop(60_000)).toEqual({ kind: 'died', how: 'SIGKILL' })
})

test('tells one that was dead already', async () => {
  const service = start({ firstMs: 60_000, mostMs: 60_000 })
  await service.started
  process.kill(service.state().pid ?? 0, 'SIGKILL')
  await expect.poll(() => events.map((event) => event.kind)).toContain('died')
  expect(await service.stop(5000)).toEqual({ kind: 'dead', how: 'SIGKILL' })
})

test('one that refused to start had nothing to drain', async () => {
  writeFileSync(join(dir, 'broken'), '')
  const service = start()
  await expect(service.started).rejects.toThrow()
  expect(await service.stop(5000)).toEqual({ kind: 'drained' })
})

function start(restarts: ChildOptions['restarts'] = {}, env: Record<string, string> = {}): ChildService {
  child = startChildService({
    service: 'gateway',
    entry: 'platform/service/testing/sample-service.ts',
    env: ({ http }) => ({
      ...process.env,
      HINDSIGHT_DATA_DIR: join(dir, 'data'),
      HINDSIGHT_PORT: isBroken() ? 'broken' : http === undefined ? '0' : new URL(http).port,
      SAMPLE_TRACE: join(dir, 'trace'),
      ...env,
    }),
    logDir: dir,
    onEvent: (event) => events.push(event),
    restarts: { firstMs: 20, mostMs: 200, ...restarts },
  })
  return child
}

function isBroken(): boolean {
  try {
    readFileSync(join(dir, 'broken'))
    return true
  } catch {
    return false
  }
}
