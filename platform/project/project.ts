import type { Deployment } from '../../contracts/deployment.ts'
import type { EventSourceDefinition } from '../../contracts/event-source.ts'
import type { FeatureViewDefinition } from '../../contracts/feature-view.ts'
import type { FeatureWindow } from '../../contracts/feature-window.ts'
import type { LabelDefinition } from '../../contracts/label-definition.ts'
import type { LookupDefinition } from '../../contracts/lookup.ts'
import type { ModelDefinition, ModelFeature } from '../../contracts/model-definition.ts'
import type { VersionManifest } from '../../contracts/version-manifest.ts'

/** One thing that is wrong in a project folder. A warning refuses nothing. */
export type ProjectProblem = {
  severity: 'error' | 'warning'
  /** The file's path relative to the project folder. */
  file: string
  /** The field, as `features[2].view`. */
  path?: string
  message: string
  hint?: string
}

export type ProjectVersion = {
  model: string
  version: string
  manifest: VersionManifest
  manifestSha256: string
  modelSha256: string
  /** Absolute path of the ONNX file. */
  modelFile: string
}

export type ProjectModel = {
  definition: ModelDefinition
  /** SHA-256 of the canonical form of model.yaml. */
  definitionSha256: string
  /** Feature name to the hash of everything its value depends on: itself, its view, source, lookups, inputs. */
  featureHashes: ReadonlyMap<string, string>
  features: ReadonlyMap<string, ModelFeature>
  /** Which events each online feature with a window holds. */
  featureWindows: ReadonlyMap<string, FeatureWindow>
  deployment: Deployment
  /** The categories of its primary label, where it has any. */
  categories: readonly string[] | undefined
  /** Versions without a problem. A version with one is left out, and `problems` says why. */
  versions: ReadonlyMap<string, ProjectVersion>
  /** Versions that were refused, with the first reason. */
  refused: ReadonlyMap<string, ProjectProblem>
}

/** A project folder, read whole and cross-checked. Maps are keyed by name. */
export type Project = {
  dir: string
  sources: ReadonlyMap<string, EventSourceDefinition>
  views: ReadonlyMap<string, FeatureViewDefinition>
  labels: ReadonlyMap<string, LabelDefinition>
  lookups: ReadonlyMap<string, LookupDefinition>
  models: ReadonlyMap<string, ProjectModel>
  problems: readonly ProjectProblem[]
}
