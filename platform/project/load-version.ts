import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256Hex } from '../../contracts/canonical-json.ts'
import { versionManifest } from '../../contracts/version-manifest.ts'
import { checkManifest, checkOnnxFile, type VersionCheck } from './check-version.ts'
import { type OnnxFile, readOnnxFile } from './onnx-file.ts'
import { type FieldPath, type ProblemList, type Report, toProblem } from './problems.ts'
import type { ProjectProblem, ProjectVersion } from './project.ts'
import { ProtobufError } from './protobuf-fields.ts'
import { readDefinition } from './read-definition.ts'

export type VersionContext = Omit<VersionCheck, 'manifest' | 'report' | 'warn'> & { dir: string; problems: ProblemList }

/** Reads `<model>/<version>/`: the version, or the first reason to refuse it. Every reason is in `problems`. */
export async function loadVersion(context: VersionContext): Promise<ProjectVersion | ProjectProblem> {
  const { dir, problems, model, version } = context
  const before = problems.problems.length
  const folder = `${model.name}/${version}`
  const file = `${folder}/manifest.yaml`
  const read = await readDefinition({ dir, problems }, file, versionManifest, 'every version has its manifest.yaml beside its ONNX file')
  if (read === undefined) return problems.problems[before]!
  const modelFile = `${folder}/${read.value.model_file}`
  const bytes = await readIfThere(join(dir, modelFile))
  if (bytes === undefined) return problems.add(toProblem({ file: modelFile, message: 'there is no such file' }))
  checkManifest({ ...context, manifest: read.value, report: read.report, warn: read.warn })
  const modelSha256 = sha256Hex(bytes)
  if (modelSha256 !== read.value.model_sha256) read.report(['model_sha256'], `the SHA-256 of ${modelFile} is ${modelSha256}`)
  const onnx = readOnnx(bytes, (path: FieldPath, message) => problems.add(toProblem({ file: modelFile, path, message })))
  if (onnx !== undefined) checkOnnxFile(read.value, onnx, read.report)
  const refusal = problems.problems.slice(before).find(({ severity }) => severity === 'error')
  if (refusal !== undefined) return refusal
  return {
    model: model.name,
    version,
    manifest: read.value,
    manifestSha256: sha256Hex(read.bytes),
    modelSha256,
    modelFile: join(dir, modelFile),
  }
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function readOnnx(bytes: Uint8Array, report: Report): OnnxFile | undefined {
  try {
    return readOnnxFile(bytes)
  } catch (error) {
    if (!(error instanceof ProtobufError)) throw error
    report([], `is not an ONNX file: ${error.message}`)
    return undefined
  }
}
