import { limits } from '../../contracts/http.ts'
import type { Datatype, V2ModelConfig, V2ModelMetadata } from '../../contracts/v2.ts'
import type { ServingVersion } from '../predict/serving-model.ts'
import { datatypeOf } from '../tensors/runtime-tensor.ts'
import { inputShape, outputShape } from './tensor-shapes.ts'

type Tensors = Pick<V2ModelMetadata, 'inputs' | 'outputs'>

/** The file's outputs that the manifest gives a meaning: what is not recorded is not answered. */
export function describeTensors({ manifest, tensors, plan }: Pick<ServingVersion, 'manifest' | 'tensors' | 'plan'>): Tensors {
  const outputs = new Map(manifest.outputs.map(({ tensor, type }) => [tensor, datatypeOf[type]]))
  return {
    inputs: manifest.inputs.map((input) => ({ name: input.name, datatype: datatypeOf[input.type], shape: inputShape(input) })),
    outputs: [...outputs].map(([name, datatype]) => ({
      name,
      datatype,
      shape: outputShape(tensors.outputs.find((tensor) => tensor.name === name)?.shape ?? [-1], plan.rowByRow),
    })),
  }
}

/** `GET /v2/models/:model[/versions/:version]` */
export function toModelMetadata(serving: ServingVersion, versions: Iterable<string>): V2ModelMetadata {
  return { name: serving.definition.name, versions: [...versions], platform: 'onnxruntime_onnx', ...describeTensors(serving) }
}

/** `.../config`, in Triton's form, which counts rows apart from a tensor's dimensions unless a tensor has no other. */
export function toModelConfig(serving: ServingVersion): V2ModelConfig {
  const { inputs, outputs } = describeTensors(serving)
  const batched = [...inputs, ...outputs].every(({ shape }) => shape.length > 1)
  const toConfig = ({ name, datatype, shape }: Tensors['inputs'][number]) => ({
    name,
    data_type: configTypeOf(datatype),
    dims: batched ? shape.slice(1) : shape,
  })
  return {
    name: serving.definition.name,
    platform: 'onnxruntime_onnx',
    backend: 'onnxruntime',
    version_policy: { specific: { versions: [serving.version] } },
    max_batch_size: batched ? limits.items : 0,
    input: inputs.map(toConfig),
    output: outputs.map(toConfig),
  }
}

function configTypeOf(datatype: Datatype): string {
  return `TYPE_${datatype === 'BYTES' ? 'STRING' : datatype}`
}
