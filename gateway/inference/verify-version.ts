import type { VersionManifest } from '../../contracts/version-manifest.ts'
import { inputLayout, runsRowByRow } from '../../platform/project/input-layout.ts'
import type { ProjectModel, ProjectVersion } from '../../platform/project/project.ts'
import { findGoldenFault } from './golden.ts'
import type { InferenceEngine, SessionInfo } from './inference.ts'

/** Thrown when a golden request does not hold. */
export class VersionFault extends Error {
  /** The place of the fault within the manifest. */
  readonly path: string

  constructor(message: string, path: string) {
    super(message)
    this.name = 'VersionFault'
    this.path = path
  }
}

export function sessionIdOf({ model, version }: Pick<ProjectVersion, 'model' | 'version'>): string {
  return `${model}/${version}`
}

/**
 * Opens a version's file and holds it against its golden requests. Throws a `VersionFault`, or what ONNX Runtime says of the
 * file; the session may be there then.
 */
export async function openVersion(
  { inference, now }: { inference: InferenceEngine; now: () => number },
  { definition, categories }: Pick<ProjectModel, 'definition' | 'categories'>,
  version: ProjectVersion,
): Promise<SessionInfo> {
  const { manifest, modelFile, modelSha256 } = version
  const sessionId = sessionIdOf(version)
  const rowShapes = rowShapesOf(manifest)
  const session = await inference.load({
    id: sessionId,
    modelFile,
    modelSha256,
    settings: definition.inference,
    ...(rowShapes !== undefined && { rowShapes }),
  })
  const fault = await findGoldenFault({ inference, sessionId, manifest, definition, categories, now })
  if (fault !== undefined) throw new VersionFault(fault.message, fault.path)
  return session
}

/** The shape of each input in a run of one row, where the file takes no more; else undefined. */
function rowShapesOf({ inputs }: Pick<VersionManifest, 'inputs'>): Record<string, readonly number[]> | undefined {
  if (!runsRowByRow(inputs)) return undefined
  return Object.fromEntries(
    inputs.map(({ name, shape, features }) => {
      const { alone, row } = inputLayout(shape, features.length) ?? { alone: undefined, row: [features.length] }
      return [name, alone ?? [1, ...row]]
    }),
  )
}
