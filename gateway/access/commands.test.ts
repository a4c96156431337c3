import { Command } from 'commander'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createAccess } from './access.ts'
import { registerKeyCommands } from './commands.ts'
import { openKeyRing } from './key-ring.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hindsight-keys-'))
})
afterEach(async () => {
  vi.restoreAllMocks()
  await rm(dir, { recursive: true, force: true })
})

async function run(...args: string[]): Promise<string> {
  const written: string[] = []
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0)
  vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  const program = new Command().exitOverride()
  registerKeyCommands(program)
  await program.parseAsync(['keys', ...args, '--data-dir', dir], { from: 'user' })
  return written.join('').trim()
}

async function identify(token: string) {
  const ring = await openKeyRing({ path: join(dir, 'keys.json'), onFault: () => undefined })
  ring.close()
  return createAccess({ apiKey: undefined, ring, now: Date.now }).identify(`Bearer ${token}`)
}

it('creates a key that does what was asked, shows it without its secret, rotates it and ends it', async () => {
  expect(await run('list')).toBe('no keys')
  const limits = ['--rate', '50', '--burst', '80', '--concurrent', '9', '--expires-in-days', '30']
  const token = await run('create', 'checkout', '--scope', 'predict', 'label', '--tenant', 'acme', ...limits)
  expect(await identify(token)).toMatchObject({
    name: 'checkout',
    tenant: 'acme',
    scopes: new Set(['predict', 'label']),
    maxConcurrent: 9,
    rate: { requestsPerSecond: 50, burst: 80 },
  })
  const listed = await run('list')
  expect(listed).toMatch(/checkout +acme +predict label +50\/s burst 80, 9 at once +good until 20/)
  expect(listed).not.toContain(token.slice(-43))
  expect(await run('list', '--json')).not.toMatch(/[0-9a-f]{64}/)

  const next = await run('rotate', 'checkout', '--overlap-hours', '1')
  expect((await identify(token)).name).toBe((await identify(next)).name)
  expect(await run('list')).toContain('the old secret until')
  const last = JSON.parse(await run('rotate', 'checkout', '--overlap-hours', '0', '--json')) as { token: string }
  await expect(identify(next)).rejects.toMatchObject({ code: 'unauthorized' })
  expect((await identify(last.token)).name).toBe('checkout')

  expect(await run('revoke', 'checkout')).toMatch(/checkout\) is revoked/)
  await expect(identify(last.token)).rejects.toMatchObject({ code: 'unauthorized' })
  expect(await run('list')).toMatch(/revoked 20/)
})

it('refuses what is no name, scope or number', async () => {
  await expect(run('create', 'Check Out')).rejects.toThrow('must consist of')
  await expect(run('create', 'checkout', '--scope', 'everything')).rejects.toThrow('Allowed choices')
  await expect(run('create', 'checkout', '--rate', '0')).rejects.toThrow('above 0')
  await expect(run('revoke', 'nobody')).rejects.toMatchObject({ code: 'not_found' })
})
