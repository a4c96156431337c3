import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createAccess } from './access.ts'
import { changeKeys } from './change-keys.ts'
import { createKey, revokeKey, rotateKey } from './key-changes.ts'
import { readKeyFile } from './key-file.ts'
import { type KeyRing, openKeyRing } from './key-ring.ts'

let dir: string
let path: string
let ring: KeyRing | undefined
const faults: unknown[] = []

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hindsight-keys-'))
  path = join(dir, 'data', 'keys.json')
})
afterEach(async () => {
  ring?.close()
  faults.length = 0
  await rm(dir, { recursive: true, force: true })
})

const terms = (name: string) => ({ key_id: name.padEnd(12, 'x'), name, tenant: 'default', scopes: ['predict' as const] })
const create = (name: string) => changeKeys(path, (keys) => createKey(keys, terms(name), Date.now()))
const open = async () => (ring = await openKeyRing({ path, onFault: (error) => faults.push(error) }))
const soon = { timeout: 180_000, interval: 20 }

function isGood(token: string): boolean {
  try {
    createAccess({ apiKey: undefined, ring: ring!, now: Date.now }).identify(`Bearer ${token}`)
    return true
  } catch {
    return false
  }
}

describe('the key file', () => {
  it('is for its owner only, holds no secret, and survives changes at once', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f']
    const created = await Promise.all(names.map(create))
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    const keys = await readKeyFile(path)
    expect(keys.map(({ name }) => name).toSorted()).toEqual(names)
    for (const { token } of created) expect(JSON.stringify(keys)).not.toContain(token.slice(-43))
  })

  it('is refused when it is damaged, or when others may write it', async () => {
    await create('checkout')
    await chmod(path, 0o666)
    await expect(open()).rejects.toMatchObject({ code: 'invalid_config', message: expect.stringContaining('may be written by others') })
    await chmod(path, 0o600)
    await writeFile(path, '{"version": 1, "keys": [{}]}')
    await expect(open()).rejects.toMatchObject({ code: 'invalid_config', message: expect.stringContaining('key_id') })
  })
})

describe('a key ring', () => {
  it('follows the file: created, rotated, revoked', async () => {
    await open()
    expect([ring!.used, isGood('')]).toEqual([false, true])
    const { token, key } = await create('checkout')
    await expect.poll(() => ring!.used, soon).toBe(true)
    expect([isGood(''), isGood(token)]).toEqual([false, true])
    const rotated = await changeKeys(path, (keys) => rotateKey(keys, { key: key.key_id, overlapMs: 0, nowMs: Date.now() }))
    await expect.poll(() => isGood(rotated.token), soon).toBe(true)
    expect(isGood(token)).toBe(false)
    await changeKeys(path, (keys) => revokeKey(keys, { key: 'checkout', nowMs: Date.now() }))
    await expect.poll(() => isGood(rotated.token), soon).toBe(false)
  })

  it('opens nothing when its file is damaged or gone', async () => {
    const { token } = await create('checkout')
    await open()
    await writeFile(path, 'nothing')
    await expect.poll(() => faults.length, soon).toBe(1)
    expect([isGood(token), isGood('')]).toEqual([true, false])
    await rm(path)
    await expect.poll(() => isGood(token), soon).toBe(false)
    expect([ring!.used, isGood('')]).toEqual([true, false])
    expect(faults).toHaveLength(1)
  })
})

describe('rotation', () => {
  it('keeps at most two secrets', async () => {
    const { key } = await create('checkout')
    const rotate = (overlapMs: number) => changeKeys(path, (keys) => rotateKey(keys, { key: key.key_id, overlapMs, nowMs: Date.now() }))
    await rotate(60_000)
    await expect(rotate(60_000)).rejects.toMatchObject({ code: 'invalid_config', hint: expect.stringContaining('--overlap-hours 0') })
    expect((await rotate(0)).key.secrets).toHaveLength(1)
  })

  it('is not for a key that is revoked, nor a name for two', async () => {
    await create('checkout')
    await expect(create('checkout')).rejects.toThrow('a key named checkout')
    await changeKeys(path, (keys) => revokeKey(keys, { key: 'checkout', nowMs: Date.now() }))
    const rotated = changeKeys(path, (keys) => rotateKey(keys, { key: 'checkout', overlapMs: 0, nowMs: Date.now() }))
    await expect(rotated).rejects.toMatchObject({ code: 'not_found' })
    await create('checkout')
  })
})
