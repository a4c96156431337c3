import { join, resolve } from 'node:path'
import { ServiceError } from '../contracts/errors.ts'
import { keyFilePath, readKeyFile } from '../gateway/access/key-file.ts'
import { requireDatasetDays } from '../models/flight-delay/train/dataset-days.ts'
import { loadProject } from '../platform/project/load-project.ts'
import type { Project } from '../platform/project/project.ts'
import { commonConfigFields, requireKeyBeyondLoopback } from '../platform/service/common-config.ts'
import { noteServedProject } from '../platform/service/served-project.ts'
import { serviceCommand } from '../platform/service/service-command.ts'
import { ensureDataDirectory } from '../platform/service/startup-errors.ts'
import { problemsThatStop, toProblemText } from './check-command.ts'
import { lockDataDirectory } from './supervisor/data-lock.ts'
import { requireFreePort } from './supervisor/ports.ts'
import { createStopSignal, type StopSignal } from './supervisor/stop-signal.ts'
import { type System, startSystem } from './supervisor/system.ts'

export type UpOptions = {
  project: string
  dataDir: string
  port: number
  demo: boolean
  day: string
  days: number
  hours?: number | undefined
  exit: boolean
}

/** Runs the whole system until it is told to stop, or until the demo has ended with `--exit`. Returns the exit status. */
export async function up(options: UpOptions): Promise<number> {
  if (options.demo) requireDatasetDays(options)
  const host = process.env['HINDSIGHT_HOST'] || commonConfigFields.HINDSIGHT_HOST.parse(undefined)
  const keysFile = keyFilePath({
    HINDSIGHT_KEYS_FILE: process.env['HINDSIGHT_KEYS_FILE'] || undefined,
    HINDSIGHT_DATA_DIR: options.dataDir,
  })
  const hasKeys = (await readKeyFile(keysFile)).length > 0
  requireKeyBeyondLoopback({ HINDSIGHT_HOST: host, HINDSIGHT_API_KEY: process.env['HINDSIGHT_API_KEY'] || undefined, hasKeys })
  // Throws where the gateway's runtime is not there: before anything is started.
  serviceCommand('gateway')
  await ensureDataDirectory(options.dataDir)
  const lock = await lockDataDirectory(options.dataDir)
  const stop = createStopSignal()
  try {
    await requireFreePort(options.port, host)
    const project = await loadServableProject(options.project)
    await noteServedProject(options.dataDir, project.dir)
    say(`starting on ${resolve(options.dataDir)} with the project ${project.dir}`)
    const { dataDir, port } = options
    const system = await startSystem({ projectDir: project.dir, dataDir, host, port, env: process.env, signal: stop.signal, say })
    stop.onInsist(system.killAll)
    return await runSystem(system, { options, project, stop })
  } catch (error) {
    if (stop.signal.aborted) return 0
    throw error
  } finally {
    stop.dispose()
    await lock.release()
  }
}

async function runSystem(
  system: System,
  { options, project, stop }: { options: UpOptions; project: Project; stop: StopSignal },
): Promise<number> {
  let status = 0
  try {
    announce(system, options)
    if (options.demo && !stop.signal.aborted) {
      const { runDemo } = await import('./demo/run-demo.ts')
      const passed = await runDemo({
        system,
        project,
        day: options.day,
        days: options.days,
        hours: options.hours,
        dataDir: options.dataDir,
        env: process.env,
        signal: stop.signal,
        say,
      })
      if (!passed && options.exit) status = 1
    }
    if (!options.exit && !stop.signal.aborted) say('Ctrl-C stops everything')
    if (!options.exit) await stop.requested
  } catch (error) {
    if (!stop.signal.aborted) throw error
  } finally {
    say('draining')
    const drained = await system.drain()
    say(drained ? 'stopped' : 'stopped; not every service drained, see above and its log')
    if (!drained) status = 1
  }
  return status
}

async function loadServableProject(dir: string): Promise<Project> {
  const project = await loadProject(dir)
  for (const problem of project.problems) process.stderr.write(`${toProblemText(problem)}\n`)
  const errors = problemsThatStop(project)
  if (errors.length === 0) return project
  throw new ServiceError('invalid_project', `the project ${project.dir} cannot be served: ${errors.length} error(s), listed above`, {
    hint: 'npx hindsight check',
  })
}

function announce(system: System, options: UpOptions): void {
  say(`ready: ${system.gatewayUrl} (docs at ${system.gatewayUrl}/docs)`)
  if (system.readOnlyWarehouseUrl !== undefined) say(`analysts: ${system.readOnlyWarehouseUrl} (ClickHouse HTTP interface, read-only)`)
  say(`logs: ${join(resolve(options.dataDir), 'logs')}`)
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
