import type { Logger } from 'pino'
import { isBun } from './bun.ts'
import { ServiceError } from '../../contracts/errors.ts'
import { type AdminState, openAdminListener } from './admin-listener.ts'
import { loadRunnerConfig, redactConfig } from './common-config.ts'
import { createFaultLog } from './fault-log.ts'
import { giveWay } from './give-way.ts'
import { type ServiceLogger, createServiceLogger } from './logging-pino.ts'
import { identifyProcess } from './process-identity.ts'
import { removeRunFile, writeRunFile } from './run-files.ts'
import type { RunningService, ServiceContext, ServiceMessage, ServiceName } from './service.ts'
import { ensureDataDirectory, toStartupError } from './startup-errors.ts'
import { type Telemetry, startTelemetry } from './telemetry-opentelemetry.ts'

export type ServiceDefinition<Config> = {
  name: ServiceName
  /** Throws `invalid_config` that lists every error. */
  config: (env: NodeJS.ProcessEnv) => Config
  /** What tells it from others of its kind on the same data directory, fit for a file name; left out where there is but one. */
  instance?: (config: Config) => string
  start: (context: ServiceContext<Config>) => Promise<RunningService>
}

/**
 * Runs a service as this process until it is told to stop: SIGTERM, its supervisor gone, or, without a supervisor,
 * SIGINT. Exit status 0 after a drain within the deadline, 1 otherwise.
 *
 * @example
 * ```ts no-run
 * import { z } from 'zod'
 * import { commonConfigFields, loadConfig } from './common-config.ts'
 * import { runService } from './run-service.ts'
 *
 * const { HINDSIGHT_DATA_DIR } = commonConfigFields
 * await runService({
 *   name: 'features',
 *   config: (env) => loadConfig(z.object({ HINDSIGHT_DATA_DIR }), env),
 *   async start({ config, logger }) {
 *     logger.info({ dir: config.HINDSIGHT_DATA_DIR }, 'started')
 *     return { drain: async () => logger.info('drained') }
 *   },
 * })
 * ```
 */
export async function runService<Config extends object>(definition: ServiceDefinition<Config>): Promise<void> {
  const { name } = definition
  // The gateway keeps its priority, since somebody waits for its answers; what the others do may take a moment longer.
  if (name !== 'gateway') giveWay()
  let config: Config
  let runner: ReturnType<typeof loadRunnerConfig>
  try {
    runner = loadRunnerConfig(process.env)
    config = definition.config(process.env)
    await ensureDataDirectory(runner.HINDSIGHT_DATA_DIR)
  } catch (error) {
    return refuseToStart(name, error)
  }
  const log = createServiceLogger({ service: name, level: runner.HINDSIGHT_LOG_LEVEL })
  const telemetry = await startTelemetry({
    service: name,
    warn: createFaultLog(log.logger, 'telemetry is not set up as asked, or was not sent'),
  })
  const life = createLifecycle({
    name,
    instance: definition.instance?.(config),
    logger: log.logger,
    telemetry,
    dataDir: runner.HINDSIGHT_DATA_DIR,
    drainTimeoutMs: runner.HINDSIGHT_DRAIN_TIMEOUT_MS,
  })
  log.logger.info({ config: redactConfig(config), node: process.version, ...(isBun && { bun: process.versions['bun'] }) }, 'starting')
  const adminAddress = { host: runner.HINDSIGHT_ADMIN_HOST, port: runner.HINDSIGHT_ADMIN_PORT }
  try {
    const running = await definition.start({
      config,
      logger: log.logger,
      meter: telemetry.meter,
      instruments: telemetry.instruments,
      tracing: telemetry.tracing,
      renderMetrics: telemetry.renderMetrics,
      fail: life.fail,
    })
    await life.started(running, (state) => openAdminListener(state, adminAddress), log)
  } catch (error) {
    log.logger.fatal({ err: error }, 'could not start')
    refuseToStart(name, error)
  }
}

type LifecycleDeps = {
  name: ServiceName
  instance: string | undefined
  logger: Logger
  telemetry: Telemetry
  dataDir: string
  drainTimeoutMs: number
}

function createLifecycle({ name, instance, logger, telemetry, dataDir, drainTimeoutMs }: LifecycleDeps) {
  const identity = { service: name, ...(instance !== undefined && { instance }) }
  const startedAt = new Date().toISOString()
  let running: RunningService | undefined
  let admin: { url: string; close(): Promise<void> } | undefined
  let stopReason: string | undefined
  let stopping = false

  async function close(): Promise<void> {
    await running?.drain()
    await admin?.close()
    await removeRunFile(dataDir, identity)
    await telemetry.shutdown()
  }

  /** A request to stop that arrives during the start is kept until the start is over. */
  function stop(reason: string): void {
    stopReason ??= reason
    if (running === undefined || stopping) return
    stopping = true
    logger.info({ reason: stopReason }, 'draining')
    setTimeout(() => {
      logger.fatal({ drain_timeout_ms: drainTimeoutMs }, 'drain deadline passed')
      process.exit(1)
    }, drainTimeoutMs).unref()
    close().then(
      () => {
        logger.info('drained')
        if (running?.holdsProcess?.() === true) endAtOnce()
        else process.exit(0)
      },
      (error: unknown) => fail(error),
    )
  }

  /** Kills the process at once, since `process.exit` waits for every thread. */
  function endAtOnce(): void {
    logger.warn('a thread does not end; the process ends without it')
    const kill = () => process.kill(process.pid, 'SIGKILL')
    const drained: ServiceMessage = { type: 'drained', service: name }
    if (process.connected) process.send?.(drained, kill)
    else kill()
  }

  function fail(error: unknown): void {
    logger.fatal({ err: error }, 'the service failed')
    void removeRunFile(dataDir, identity).finally(() => process.exit(1))
  }

  process.on('uncaughtException', fail)
  process.on('unhandledRejection', fail)
  process.on('SIGTERM', () => stop('SIGTERM'))
  // The terminal sends Ctrl-C to the whole group; under a supervisor, the supervisor says when to stop.
  process.on('SIGINT', () => {
    if (!isSupervised()) stop('SIGINT')
  })
  process.on('SIGHUP', () => {
    if (!isSupervised()) stop('SIGHUP')
  })
  process.on('disconnect', () => stop('supervisor gone'))

  async function started(
    service: RunningService,
    openAdmin: (state: AdminState) => Promise<{ url: string; close(): Promise<void> }>,
    log: ServiceLogger,
  ) {
    running = service
    const addresses = service.addresses ?? {}
    admin = await openAdmin({
      service: name,
      startedAt,
      draining: () => stopping,
      running: () => running,
      recentErrors: log.recentErrors,
      renderMetrics: async () => {
        const own = await telemetry.renderMetrics()
        return service.metrics?.(own) ?? own
      },
    })
    await writeRunFile(dataDir, { ...identity, ...identifyProcess(), admin: admin.url, addresses, started_at: startedAt })
    logger.info({ admin: admin.url, addresses }, 'ready')
    tellSupervisor({ type: 'ready', service: name, pid: process.pid, admin: admin.url, addresses })
    if (stopReason !== undefined) stop(stopReason)
  }

  return { fail, started }
}

function isSupervised(): boolean {
  return process.connected === true
}

function tellSupervisor(message: ServiceMessage): void {
  if (process.connected) process.send?.(message)
}

/** Tells whoever started it in one clear line why it refuses, then exits with 1. */
function refuseToStart(name: ServiceName, cause: unknown): void {
  const error = toStartupError(cause)
  const code = error instanceof ServiceError ? error.code : 'internal'
  const hint = error instanceof ServiceError ? error.hint : undefined
  const message: ServiceMessage = { type: 'failed', service: name, code, message: error.message, ...(hint !== undefined && { hint }) }
  process.exitCode = 1
  if (process.connected) process.send?.(message, () => process.exit(1))
  else {
    process.stderr.write(`error: ${name}: ${error.message}${hint === undefined ? '' : ` (${hint})`}\n`, () => process.exit(1))
  }
}
