import { mkdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { ServiceError } from '../../contracts/errors.ts'
import { writeFileAtomically } from './durable-files.ts'

const fileIn = (dataDir: string) => join(dataDir, 'served-project')

/** Notes in the data directory which project is served on it, for commands that read the project too. */
export async function noteServedProject(dataDir: string, projectDir: string): Promise<void> {
  await mkdir(dataDir, { recursive: true })
  await writeFileAtomically(fileIn(dataDir), `${resolve(projectDir)}\n`)
}

/** The project folder that a command was told, or else the one that is or was last served on its data directory. */
export async function servedProjectDir({ project, dataDir }: { project?: string | undefined; dataDir: string }): Promise<string> {
  const found = project ?? (await readIfThere(fileIn(dataDir)))
  if (found !== undefined) return found
  throw new ServiceError('invalid_config', `no project has been served on the data directory ${dataDir}`, {
    path: '--project',
    hint: 'say which project folder is meant, or with --data-dir where `npx hindsight up` runs',
  })
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trimEnd()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
