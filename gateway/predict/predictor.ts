import type { LoopLoad } from '../bounds/loop-load.ts'
import { refuseOverload } from '../bounds/loop-load.ts'
import { createPipeline, type PipelineDeps } from './pipeline.ts'
import type { Predicted, PredictInput } from './prediction.ts'
import type { ServingModel } from './serving-model.ts'
import { createShadows, type ShadowDeps } from './shadows.ts'
import { budgetMs, toWork, type WorkDeps } from './work.ts'

export { answerByTick, isRefusedWhole } from './work.ts'

export type PredictorDeps = WorkDeps & PipelineDeps & Omit<ShadowDeps, 'pipeline'> & { loopLoad: LoopLoad }

/**
 * Answers a predict request: each instance's event is durable when the promise resolves. Rejects when the request
 * itself is at fault, or when nothing of it could be answered in time.
 */
export type Predictor = (model: ServingModel, input: PredictInput) => Promise<readonly Predicted[]>

export function createPredictor(deps: PredictorDeps): Predictor {
  const pipeline = createPipeline(deps)
  const runShadows = createShadows({ ...deps, pipeline })
  return (model, input) =>
    new Promise((resolve, reject) => {
      refuseOverload(deps.loopLoad, budgetMs(model, input))
      const work = toWork(deps, { model, input }, (error) => {
        end()
        if (error === undefined) resolve(work.predicted)
        else reject(error)
        runShadows(work, error)
      })
      const end = deps.loopLoad.begin(work.instances.length)
      pipeline.submit(work)
    })
}
