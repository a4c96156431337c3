import { ServiceError } from '../../contracts/errors.ts'
import type { InferenceEngine } from '../inference/inference.ts'
import type { Deadline } from './deadline.ts'
import type { Routed } from './routing.ts'
import { failAll, runVersion, type SeenFeatures, type VersionRun } from './run-version.ts'
import { nothingRead } from './store-read.ts'
import { type Instance } from './prediction.ts'

export type ExecuteDeps = { inference: InferenceEngine; tick: () => number }

/** A version's results, and what the store had shown it; `seen` is undefined when it did not come to that. */
export type Execution = VersionRun & { seen: SeenFeatures | undefined }

/**
 * Runs one version over every instance, waiting for the store only if the version uses it. Running out of time, or of
 * a client, is a result of every instance.
 */
export async function execute(
  deps: ExecuteDeps,
  options: { routed: Routed; instances: readonly Instance[]; read: Promise<SeenFeatures>; deadline: Deadline },
): Promise<Execution> {
  const { routed, instances, read, deadline } = options
  const { serving } = routed
  const startedTick = deps.tick()
  const needsStore = instances.some((instance) => serving.features.needsStore(instance))
  try {
    const seen = needsStore ? await deadline.race(read) : nothingRead
    const background = routed.route === 'shadow'
    const { results, durationUs } = await runVersion(deps, { serving, instances, seen, deadline, startedTick, background })
    return { results, durationUs, seen }
  } catch (error) {
    if (error instanceof ServiceError && error === deadline.cancellation.reason) return failedExecution(instances, error)
    throw error
  }
}

/** Every instance with the same error. */
export function failedExecution(instances: readonly Instance[], error: ServiceError): Execution {
  return { results: failAll(instances, error), durationUs: {}, seen: undefined }
}
