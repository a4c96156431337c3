import {
  v2InferResponse,
  v2Live,
  v2ModelConfig,
  v2ModelMetadata,
  v2ModelReady,
  v2ModelStatistics,
  v2Ready,
  v2RepositoryIndex,
  v2ServerMetadata,
} from '../../contracts/v2.ts'
import { bodyErrors, jsonErrors, type Operation } from './openapi-operation.ts'

type Described = Omit<Operation, 'protocol' | 'path'>

const ofModel: Record<string, Described> = {
  '': {
    method: 'get',
    summary: 'The tensors of a version; of the champion where the path names none.',
    response: v2ModelMetadata,
    errors: ['unknown_model', 'not_ready'],
  },
  '/ready': {
    method: 'get',
    summary: 'Whether it is loaded and the gateway can do its work.',
    response: v2ModelReady,
    errors: ['unknown_model'],
    unready: true,
  },
  '/config': {
    method: 'get',
    summary: "The tensors in the form of Triton's model configuration.",
    response: v2ModelConfig,
    errors: ['unknown_model', 'not_ready'],
  },
  '/stats': {
    method: 'get',
    summary: 'What each version has done since the gateway started.',
    response: v2ModelStatistics,
    errors: ['unknown_model'],
  },
  '/infer': {
    method: 'post',
    summary:
      'Predict for each row of the tensors: the model is given them as they are, and no feature is looked up. Every row is an event, durable before the answer. ' +
      'With the header Inference-Header-Content-Length tensors follow the JSON in binary form, and outputs do where binary_data or binary_data_output asks for it.',
    body: 'infer',
    keyed: true,
    response: v2InferResponse,
    errors: [
      ...bodyErrors,
      'unknown_anchor',
      'unknown_feature',
      'out_of_range',
      'unknown_model',
      'event_too_large',
      'inference_failed',
      'not_ready',
      'deadline_exceeded',
    ],
  },
}

const server: Record<string, Described> = {
  '/v2': {
    method: 'get',
    summary: 'Name, version and extensions of the server, by the Open Inference Protocol.',
    response: v2ServerMetadata,
    errors: [],
    open: true,
  },
  '/v2/health/live': { method: 'get', summary: 'The process answers.', response: v2Live, errors: [], open: true },
  '/v2/models/stats': { method: 'get', summary: 'Of every model, as /v2/models/{model}/stats.', response: v2ModelStatistics, errors: [] },
  '/v2/repository/index': {
    method: 'post',
    summary: 'Every version of every model, and whether it can be asked, as Triton lists its repository.',
    body: 'repositoryIndex',
    bodyOptional: true,
    response: v2RepositoryIndex,
    errors: jsonErrors,
  },
  '/v2/health/ready': { method: 'get', summary: 'As /readyz.', response: v2Ready, errors: [], open: true, unready: true },
}

/** The Open Inference Protocol's part of the document. */
export const v2Operations: readonly Operation[] = [
  ...Object.entries(server),
  ...under('/v2/models/{model}', (described) => described),
  ...under('/v2/models/{model}/versions/{version}', (described) => ({
    ...described,
    errors: [...described.errors, 'unknown_version', 'not_ready'],
  })),
].map(([path, described]) => ({ ...described, path, protocol: 'v2' }))

function under(path: string, change: (described: Described) => Described): [string, Described][] {
  return Object.entries(ofModel).map(([end, described]) => [path + end, change(described)])
}
