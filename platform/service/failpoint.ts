import { readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The moments at which a fault test may end a process. */
export type FailpointName =
  | 'gateway.before_commit'
  | 'gateway.after_commit'
  | 'gateway.after_claim'
  | 'gateway.after_complete'
  | 'gateway.after_answer'
  | 'logger.before_insert'
  | 'logger.after_insert'
  | 'logger.before_ack'
  | 'logger.after_ack'
  | 'logger.after_confirm'
  | 'forwarder.before_publish'
  | 'forwarder.after_ack'

/**
 * Ends the process with SIGKILL when the directory `HINDSIGHT_FAILPOINTS` holds a file of this name, whose content may be the
 * number of the hit that does. The file goes first, so it fires once. Without that variable nothing happens.
 */
export function failpoint(name: FailpointName): void {
  if (directory && isDue(join(directory, name))) process.kill(process.pid, 'SIGKILL')
}

// The variable is read once: a look into the environment takes longer than the rest of what stands around a commit.
const directory = process.env['HINDSIGHT_FAILPOINTS']

/** Whether any failpoint may ever fire in this process. */
export const hasFailpoints = Boolean(directory)

/** Puts the file there that makes the failpoint fire at the given hit from now. */
export function armFailpoint(dir: string, name: FailpointName, hit = 1): void {
  writeFileSync(join(dir, name), String(hit))
}

/** Takes the file away; true when the failpoint had not fired. */
export function disarmFailpoint(dir: string, name: FailpointName): boolean {
  return removed(join(dir, name))
}

function isDue(path: string): boolean {
  const left = hitsLeft(path)
  if (left === undefined) return false
  if (left <= 1) return removed(path)
  writeFileSync(path, String(left - 1))
  return false
}

function hitsLeft(path: string): number | undefined {
  try {
    return Number(readFileSync(path, 'utf8')) || 1
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** Whether this process removed the file: where two come here at once, only one of them has. */
function removed(path: string): boolean {
  try {
    unlinkSync(path)
    return true
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}
