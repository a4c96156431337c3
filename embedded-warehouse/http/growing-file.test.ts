import { mkdtempSync, rmSync } from 'node:fs'
import { appendFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { afterAll, expect, onTestFinished, test, vi } from 'vitest'
import { forwardGrowingFile } from './growing-file.ts'

const dir = mkdtempSync(join(tmpdir(), 'hindsight-growing-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

test('passes everything on, in order, while the file grows', async () => {
  const path = join(dir, 'grows')
  const received: string[] = []
  let firstArrived: () => void = () => undefined
  const first = new Promise<void>((resolve) => (firstArrived = resolve))
  async function writer(): Promise<void> {
    await appendFile(path, 'one ')
    // Ends only because the beginning arrives before the end is written.
    await first
    await appendFile(path, 'x'.repeat(1 << 20))
  }
  await forwardGrowingFile(path, writer(), async (chunk) => {
    received.push(Buffer.from(chunk).toString())
    firstArrived()
  })
  expect(received.join('')).toBe(`one ${'x'.repeat(1 << 20)}`)
})

test('a writer that makes no file is an empty result', async () => {
  const received: Uint8Array[] = []
  await forwardGrowingFile(join(dir, 'none'), Promise.resolve(), async (chunk) => void received.push(chunk))
  expect(received).toEqual([])
})

test('the error of the writer is thrown', async () => {
  const failing = Promise.reject(new Error('boom'))
  await expect(forwardGrowingFile(join(dir, 'fails'), failing, async () => undefined)).rejects.toThrow('boom')
})

test('nothing is passed on of a writer that fails before the second look at its first bytes', async () => {
  const path = join(dir, 'fails-late')
  await appendFile(path, 'what it leaves')
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  let fail: (error: Error) => void = () => undefined
  const writer = new Promise<void>((_resolve, reject) => (fail = reject))
  const received: Uint8Array[] = []
  const forwarding = forwardGrowingFile(path, writer, async (chunk) => void received.push(chunk))
  await nextWait()
  vi.advanceTimersToNextTimer()
  await nextWait()
  fail(new Error('boom'))
  await expect(forwarding).rejects.toThrow('boom')
  expect(received).toEqual([])
})

/** Resolves when the reader waits for its next look. */
async function nextWait(): Promise<void> {
  while (vi.getTimerCount() === 0) await setImmediate()
}
