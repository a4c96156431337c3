import type { Handler } from 'hono'
import { limits } from '../../contracts/http.ts'
import { type V2RepositoryIndex, v2RepositoryIndexRequest } from '../../contracts/v2.ts'
import type { GatewayEnv } from '../http/gateway-env.ts'
import { decodeUtf8, readBytes } from '../http/json-body.ts'
import { exchangeOf } from '../http/exchange-of.ts'
import { parseJson } from '../../platform/json/parse-json.ts'
import { validate } from '../http/validate.ts'
import type { InferenceEngine } from '../inference/inference.ts'
import type { ServingModel, ServingModels } from '../predict/serving-model.ts'

type IndexDeps = { models: ServingModels; inference: Pick<InferenceEngine, 'status'> }

/** `POST /v2/repository/index`, with a body or without: every version of every model of the project. Triton's clients name no type for it. */
export function repositoryIndexRoute({ models, inference }: IndexDeps): Handler<GatewayEnv> {
  return async function repositoryIndex(c) {
    const bytes = await readBytes(exchangeOf(c), { maxBytes: limits.bodyBytes })
    const { ready } = validate(v2RepositoryIndexRequest, bytes.byteLength === 0 ? {} : parseJson(decodeUtf8(bytes)))
    const overdue = new Set(inference.status().flatMap((session) => (session.overdue > 0 ? [session.sessionId] : [])))
    const index = [...models.values()].flatMap((model) => indexModel(model, overdue))
    return c.json(ready === true ? index.filter(({ state }) => state === 'READY') : index)
  }
}

function indexModel({ definition, projectModel, versions, refused }: ServingModel, overdue: ReadonlySet<string>): V2RepositoryIndex {
  const known = new Set([...projectModel.versions.keys(), ...versions.keys(), ...refused.keys()])
  return [...known].map((version) => {
    const sessionId = versions.get(version)?.sessionId
    const reason = sessionId === undefined ? (refused.get(version) ?? 'unloaded') : overdue.has(sessionId) ? 'a run of it does not end' : ''
    return { name: definition.name, version, state: reason === '' ? 'READY' : 'UNAVAILABLE', reason }
  })
}
