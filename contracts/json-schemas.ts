import { z } from 'zod'
import { confirmationV1 } from './confirmation.ts'
import { deployment } from './deployment.ts'
import { eventSourceDefinition } from './event-source.ts'
import { featureEventFields, featureEventV1, rejectedItemV1 } from './feature-event.ts'
import { featureViewDefinition } from './feature-view.ts'
import { acceptedResponse, errorBody, predictBatchRequest, predictBatchResponse, predictRequest, predictResponse } from './http.ts'
import { labelDefinition, labelList } from './label-definition.ts'
import { labelEventV1, labelFields } from './label-event.ts'
import { lookupDefinition } from './lookup.ts'
import { modelDefinition } from './model-definition.ts'
import { seal } from './origin.ts'
import { predictionEventV1 } from './prediction-event.ts'
import { predictionFateV1 } from './prediction-fate.ts'
import { versionManifest } from './version-manifest.ts'

/** The schemas of what people and clients write: a field with a default may be left out. */
const inputs = {
  'event-source': eventSourceDefinition,
  'feature-view': featureViewDefinition,
  'label-definition': labelDefinition,
  lookup: lookupDefinition,
  model: modelDefinition,
  deployment,
  manifest: versionManifest,
  'predict-request': predictRequest,
  'predict-batch-request': predictBatchRequest,
  label: labelFields,
  'feature-event-fields': featureEventFields,
}

/** The schemas of what Hindsight writes: a field with a default is always there. */
const outputs = {
  'prediction-event.v1': predictionEventV1,
  'prediction-fate.v1': predictionFateV1,
  'label-event.v1': labelEventV1,
  'feature-event.v1': featureEventV1,
  'rejected-item.v1': rejectedItemV1,
  'seal.v1': seal,
  'confirmation.v1': confirmationV1,
  'predict-response': predictResponse,
  'predict-batch-response': predictBatchResponse,
  'accepted-response': acceptedResponse,
  'label-list': labelList,
  error: errorBody,
}

/** Every published JSON Schema (draft 2020-12) as text, by file name. */
export function toJsonSchemaFiles(): Record<string, string> {
  const files = [...Object.entries(inputs).map(render('input')), ...Object.entries(outputs).map(render('output'))]
  return Object.fromEntries(files)
}

function render(io: 'input' | 'output') {
  return ([name, schema]: [string, z.ZodType]): [string, string] => {
    const { $schema, ...rest } = z.toJSONSchema(schema, { io, target: 'draft-2020-12' })
    return [`${name}.schema.json`, `${JSON.stringify({ $schema, title: name, ...rest }, null, 2)}\n`]
  }
}
