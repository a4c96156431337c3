import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

export type CommandResult = { code: number; stdout: string; stderr: string }

/** Runs the `hindsight` command as a user would. */
export function runHindsight(args: readonly string[], dataDir: string): Promise<CommandResult> {
  return new Promise((done) => {
    execFile(
      process.execPath,
      ['bin/hindsight.js', ...args],
      { cwd: root, env: { ...process.env, CLICKHOUSE_URL: '', HINDSIGHT_DATA_DIR: dataDir }, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => done({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr }),
    )
  })
}
