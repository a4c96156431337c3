import { ServiceError } from '../../contracts/errors.ts'

/** A command's result: as JSON, or as text for people. */
export function print<Result>({ json }: { json?: boolean }, result: Result, toText: (result: Result) => string): void {
  process.stdout.write(`${json === true ? JSON.stringify(result, null, 2) : toText(result)}\n`)
}

/** Reports an error on standard error: as one line for people, or as one JSON object for programs. */
export function reportError(error: unknown, { json }: { json: boolean }): void {
  process.stderr.write(`${json ? JSON.stringify({ error: toErrorBody(error) }) : toErrorLine(error)}\n`)
  if (process.env['HINDSIGHT_DEBUG'] && error instanceof Error) process.stderr.write(`${error.stack}\n`)
}

function toErrorBody(error: unknown): Record<string, string> {
  if (!(error instanceof ServiceError)) return { code: 'internal', message: messageOf(error) }
  return {
    code: error.code,
    message: error.message,
    ...(error.path !== undefined && { path: error.path }),
    ...(error.hint !== undefined && { hint: error.hint }),
  }
}

function toErrorLine(error: unknown): string {
  const where = error instanceof ServiceError && error.path !== undefined ? `${error.path}: ` : ''
  const hint = error instanceof ServiceError && error.hint !== undefined ? ` (${error.hint})` : ''
  return `error: ${where}${messageOf(error)}${hint}`
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Columns padded to their widest cell; the last column is left as it is. Numbers in text are the caller's affair. */
export function toTable(rows: readonly (readonly string[])[]): string {
  const widths = rows.reduce<number[]>((widest, row) => row.map((cell, index) => Math.max(widest[index] ?? 0, cell.length)), [])
  const lines = rows.map((row) =>
    row
      .map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
  return lines.join('\n')
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const step = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10))
  return `${(bytes / 1024 ** step).toFixed(step === 0 ? 0 : 1)} ${units[step]}`
}

export function formatDuration(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`
}
