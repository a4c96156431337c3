import type { Logger } from 'pino'
import { toProblem } from '../platform/project/problems.ts'
import type { Project, ProjectProblem, ProjectVersion } from '../platform/project/project.ts'
import { createOnnxInference } from './inference/inference-onnxruntime.ts'
import { openVersion, VersionFault } from './inference/verify-version.ts'

export type CheckedVersions = {
  problems: ProjectProblem[]
  /** Whether a run that does not end would hold up the end of the process. */
  holdsProcess: boolean
}

/** Opens every version of a project as a gateway does, and runs its golden requests: why a gateway would refuse it, if it would. */
export async function checkVersions({ models }: Pick<Project, 'models'>, logger: Logger): Promise<CheckedVersions> {
  const inference = createOnnxInference({ logger, threads: 1, maxQueuedRows: 1 })
  const problems: ProjectProblem[] = []
  try {
    for (const model of models.values()) {
      for (const version of model.versions.values()) {
        try {
          await openVersion({ inference, now: Date.now }, model, version)
        } catch (error) {
          problems.push(describe(version, error))
        }
      }
    }
  } finally {
    await inference.close()
  }
  return { problems, holdsProcess: inference.holdsProcess() }
}

function describe({ model, version, manifest }: ProjectVersion, error: unknown): ProjectProblem {
  const folder = `${model}/${version}`
  const message = error instanceof Error ? error.message : String(error)
  if (!(error instanceof VersionFault)) return toProblem({ file: `${folder}/${manifest.model_file}`, message: `ONNX Runtime: ${message}` })
  return { ...toProblem({ file: `${folder}/manifest.yaml`, message }), path: error.path }
}
