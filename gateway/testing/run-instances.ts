import { assemble } from '../predict/assemble.ts'
import type { Execution, Instance } from '../predict/prediction.ts'
import { executionOf, failure, type RunDeps, runParts } from '../predict/run.ts'
import type { ServingVersion } from '../predict/serving-model.ts'
import type { Part, Work } from '../predict/work.ts'
import { ServiceError } from '../../contracts/errors.ts'

/** What a version makes of instances that need nothing from the online store, in one run, for tests. */
export function runInstances(deps: RunDeps, serving: ServingVersion, instances: readonly Instance[]): Promise<Execution> {
  const seen = { values: undefined, asOf: [], readAtMs: undefined }
  const marks = { workBy: deps.tick() + 10_000, standInBy: Infinity, answerBy: Infinity }
  const assembled = instances.map((instance) => assemble(serving, instance, seen))
  const work = { marks, stage: 'model', background: false } as Work
  const part = { work, routed: { serving }, instances, assembled, seen, featuresUs: 0 } as unknown as Part
  if (assembled.every(({ error }) => error !== undefined)) {
    const unrun = new ServiceError('internal', 'no result')
    return Promise.resolve(executionOf(part, { durationUs: {}, resultOf: (item) => failure(item, unrun) }))
  }
  return new Promise((resolve) => runParts(deps, [part], { each: (_, execution) => resolve(execution), all: () => undefined }))
}
