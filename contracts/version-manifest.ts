import { z } from 'zod'
import { columnName, name, scalar, sha256, timestamp, versionName } from './primitives.ts'

/** Integer element types, widest first. */
export const integerTypes = ['int64', 'int32', 'int16', 'int8', 'uint64', 'uint32', 'uint16', 'uint8'] as const

export const floatTypes = ['float32', 'float64', 'float16'] as const

export const tensorType = z.enum([...floatTypes, ...integerTypes, 'bool', 'string'])

export const inputTensor = z.strictObject({
  name: z.string(),
  type: tensorType,
  shape: z.array(z.int()).describe('-1 is a variable dimension; the first is the row.'),
  features: z.array(columnName).min(1).describe('The features of one row, in column order.'),
})

export const outputTensor = z.strictObject({
  name: columnName.describe('An output of model.yaml.'),
  tensor: z.string(),
  type: tensorType,
  column: z.int().nonnegative().default(0).describe('The column of the tensor that holds the output.'),
})

export const goldenRequest = z.strictObject({
  features: z.record(columnName, scalar).describe('The features sent to the model; one that is left out is missing.'),
  outputs: z.record(columnName, scalar),
})

/** `<model>/<version>/manifest.yaml`: what is true of these bytes only. Generated; never edited. */
export const versionManifest = z.strictObject({
  manifest_version: z.literal(1),
  model: name,
  version: versionName,
  description: z.string(),
  created_at: timestamp,
  model_file: z.literal('model.onnx').default('model.onnx'),
  model_sha256: sha256,
  feature_set_sha256: sha256.describe('Hash of the definitions of every feature the inputs name.'),
  onnx: z.strictObject({ ir_version: z.int(), opsets: z.record(z.string(), z.int()), producer: z.string() }),
  inputs: z.array(inputTensor).min(1),
  outputs: z.array(outputTensor).min(1),
  lineage: z.looseObject({
    training_data: z.string(),
    training_rows: z.int().nonnegative(),
    training_rows_sha256: sha256.optional(),
    anchor_from: timestamp,
    anchor_to: timestamp,
    trained_with: z.string(),
    parameters: z.record(z.string(), scalar).default({}),
    code_version: z.string().optional(),
  }),
  metrics: z.record(z.string(), z.number()).default({}).describe('Offline figures, named with their set, as test_roc_auc.'),
  golden: z.array(goldenRequest).min(1),
  golden_tolerance: z.number().positive().default(1e-5),
})
export type VersionManifest = z.infer<typeof versionManifest>
