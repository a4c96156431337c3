import { type FileHandle, open, readFile, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { z } from 'zod'
import { ServiceError } from '../../contracts/errors.ts'
import { writeFileAtomically } from '../../platform/service/durable-files.ts'
import type { ImportJournal, ImportReport, RejectedLine } from './import-labels.ts'

export type JournalOptions = {
  /** The file that rejections are written to, one JSON object in a line. */
  rejectsPath: string
  /** The file to import, as it is now, and how: a run goes on only where both are the same. */
  identity: string
  /** Forgets how far an earlier run came. */
  restart: boolean
  /** Whether how far the import came is kept. */
  keepsProgress: boolean
  now: () => number
}

const progress = z.object({ identity: z.string(), rejects_bytes: z.int().nonnegative(), report: z.looseObject({ read: z.int() }) })

/** The pause between two looks at how far the import came: what was sent after the last one is sent again, and doubles nothing. */
const keepEveryMs = 500

/** Opens the files that an import leaves behind when it is interrupted. Throws `invalid_config` where they cannot be written. */
export async function openImportJournal(options: JournalOptions): Promise<ImportJournal> {
  const { rejectsPath, identity, restart, keepsProgress, now } = options
  const progressPath = join(dirname(rejectsPath), `.${basename(rejectsPath)}.progress`)
  const earlier = restart || !keepsProgress ? undefined : await readProgress(progressPath, identity)
  const waiting: string[] = []
  let file: FileHandle | undefined
  let bytes = earlier?.rejects_bytes ?? 0
  let keptAtMs = -Infinity
  await prepareRejects(rejectsPath, bytes)

  async function write(): Promise<void> {
    if (waiting.length === 0) return
    file ??= await open(rejectsPath, bytes === 0 ? 'w' : 'r+').catch(cannotWrite(rejectsPath))
    const text = Buffer.from(waiting.splice(0).join(''))
    await file.write(text, 0, text.byteLength, bytes)
    bytes += text.byteLength
  }

  async function keep(report: ImportReport): Promise<void> {
    // The rejections go to the disk first: what is said to be written must be.
    await file?.sync()
    const text = JSON.stringify({ identity, rejects_bytes: bytes, report } satisfies z.input<typeof progress>)
    await writeFileAtomically(progressPath, text).catch(cannotWrite(progressPath))
    keptAtMs = now()
  }

  return {
    resumed: earlier?.report,
    reject: (line: RejectedLine) => void waiting.push(`${JSON.stringify(line)}\n`),
    async settle(report) {
      await write()
      if (keepsProgress && now() - keptAtMs >= keepEveryMs) await keep(report)
    },
    async finish() {
      await write()
      await file?.close()
      await rm(progressPath, { force: true })
      return bytes === 0 ? undefined : rejectsPath
    },
  }
}

type Earlier = { rejects_bytes: number; report: ImportReport }

/** How far an earlier run of the same import came; undefined where there was none, or another one. */
async function readProgress(path: string, identity: string): Promise<Earlier | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  const parsed = text === undefined ? undefined : progress.safeParse(parse(text))
  if (parsed?.success !== true || parsed.data.identity !== identity) return undefined
  const report = parsed.data.report as unknown as ImportReport
  return { rejects_bytes: parsed.data.rejects_bytes, report: { ...report, resumed_after: report.read } }
}

/** Leaves of the file of rejections what an earlier run had dealt with, and no file where that is nothing. */
async function prepareRejects(path: string, bytes: number): Promise<void> {
  if (bytes === 0) return rm(path, { force: true }).catch(cannotWrite(path))
  const file = await open(path, 'r+').catch(cannotWrite(path))
  await file.truncate(bytes).finally(() => file.close())
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function cannotWrite(path: string): (cause: unknown) => never {
  return (cause) => {
    throw new ServiceError('invalid_config', `${path} cannot be written`, { cause, hint: '--rejects names another place' })
  }
}
