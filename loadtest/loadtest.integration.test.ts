import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { typescriptArgs } from '../platform/typescript/typescript-args.ts'

const entry = fileURLToPath(new URL('./loadtest.ts', import.meta.url))

/** An address where nothing listens: a test that is to begin ends with that. */
const nobody = 'http://127.0.0.1:1'

test.each([
  ['latency-budget', 'error: k6 is not on the PATH'],
  ['overload', `error: no gateway answers at ${nobody}`],
])('without k6, %s ends with: %s', async (scenario, message) => {
  const emptyDir = mkdtempSync(join(tmpdir(), 'hindsight-no-k6-'))
  try {
    const { code, stderr } = await run([scenario, '--url', nobody], { ...process.env, PATH: emptyDir })
    expect([code, stderr]).toEqual([1, expect.stringContaining(message)])
  } finally {
    rmSync(emptyDir, { recursive: true })
  }
})

function run(args: readonly string[], env: NodeJS.ProcessEnv): Promise<{ code: unknown; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [...typescriptArgs, entry, ...args], { env }, (error, _, stderr) =>
      resolve({ code: error?.code ?? 0, stderr }),
    )
  })
}
