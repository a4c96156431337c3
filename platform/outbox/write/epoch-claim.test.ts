import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { claimEpoch, claimFileName, readHolder, releaseEpoch } from './epoch-claim.ts'
import { lifeSocketName } from './life-socket.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'claim-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const claim = (options: { nowMs?: number; floor?: number; heldEpoch?: number } = {}) =>
  claimEpoch({ directory, nowMs: 0, floor: 0, ...options })

describe('claimEpoch', () => {
  it('is refused while a living process holds the outbox, also to that process itself', async () => {
    await claim()
    await expect(claim()).rejects.toMatchObject({ code: 'outbox_unavailable', message: expect.stringContaining(`process ${process.pid}`) })
  })

  it('rises with each opening, from the second of the clock, never below what the files mention', async () => {
    const first = await claim({ nowMs: 1_700_000_000_999 })
    expect(first).toBe(1_700_000_000)
    await releaseEpoch(directory, first)
    const second = await claim({ nowMs: 1_600_000_000_000 })
    expect(second).toBe(first + 1)
    expect(await claim({ heldEpoch: second, floor: first + 10 })).toBe(first + 10)
  })

  it('lets exactly one of many rivals in', async () => {
    const claims = await Promise.allSettled(Array.from({ length: 12 }, () => claim()))
    expect(claims.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const sockets = (await readdir(directory)).filter((name) => lifeSocketName.test(name))
    expect(sockets).toHaveLength(1)
    expect((await readdir(directory)).toSorted()).toEqual([claimFileName((await readHolder(directory))?.epoch ?? 0), ...sockets])
  })

  it('goes over to the next process when the holder has been killed', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
    await writeAs(child.pid ?? 0)
    expect(await readHolder(directory)).toMatchObject({ pid: child.pid, state: 'alive' })
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
    expect(await readHolder(directory)).toMatchObject({ state: 'dead' })
    expect(await claim()).toBe(2)
  })

  it('is not misled by another process that was given the pid', async () => {
    await writeAs(process.pid, '1')
    expect(await readHolder(directory)).toMatchObject({ state: 'dead' })
    expect(await claim()).toBe(2)
  })

  it('takes a damaged claim for a dead one, and does not use its epoch again', async () => {
    await writeFile(join(directory, claimFileName(5)), '{"pid":')
    expect(await claim()).toBe(6)
  })
})

describe('a claim of another container', () => {
  let holder: ChildProcess
  beforeEach(async () => {
    holder = spawn(process.execPath, ['--import=#typescript', '--input-type=module', '-e', claimAndStay(directory)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(createInterface({ input: holder.stdout as Readable }), 'line')
    // The claim looks so where the holder's pid is nobody's.
    await change({ pid: 2 ** 22 + 1, namespace: 'pid:[1]' })
  })
  afterEach(async () => {
    holder.kill('SIGKILL')
    if (holder.exitCode === null && holder.signalCode === null) await once(holder, 'exit')
  })

  it('holds while its process lives, paused or not, and is free when it was killed', async () => {
    expect(await readHolder(directory)).toMatchObject({ state: 'alive' })
    holder.kill('SIGSTOP')
    await expect(claim()).rejects.toMatchObject({ code: 'outbox_unavailable' })
    const ended = once(holder, 'exit')
    holder.kill('SIGKILL')
    await ended
    expect(await readHolder(directory)).toMatchObject({ state: 'dead' })
    const epoch = await claim()
    expect(await readdir(directory)).toHaveLength(2)
    await releaseEpoch(directory, epoch)
    expect(await readdir(directory)).toEqual([claimFileName(epoch)])
  })

  it('holds where nobody can tell, for its socket was removed', async () => {
    for (const name of await readdir(directory)) if (lifeSocketName.test(name)) await rm(join(directory, name))
    expect(await readHolder(directory)).toMatchObject({ state: 'alive' })
    await change({ boot: 'an earlier one' })
    expect(await readHolder(directory)).toMatchObject({ state: 'dead' })
  })
})

const claimAndStay = (where: string) => `
  const { claimEpoch } = await import(${JSON.stringify(new URL('./epoch-claim.ts', import.meta.url).href)})
  await claimEpoch({ directory: ${JSON.stringify(where)}, nowMs: 0, floor: 1 })
  console.log('held')
  setInterval(() => undefined, 1_000)
`

async function change(values: object): Promise<void> {
  const path = join(directory, claimFileName(1))
  await writeFile(path, JSON.stringify({ ...(JSON.parse(await readFile(path, 'utf8')) as object), ...values }))
}

/** Leaves the claim of epoch 1 as that process would have written it. */
async function writeAs(pid: number, started?: string): Promise<void> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
  const body = { pid, started: started ?? stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19], boot, state: 'held' }
  await writeFile(join(directory, claimFileName(1)), JSON.stringify(body))
}
