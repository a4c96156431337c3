import type { PredictInstance } from '../../contracts/http.ts'
import { canonicalHash, inOrder } from '../../contracts/canonical-json.ts'
import { toTimestamp } from '../../contracts/primitives.ts'
import type { GatewayMetrics } from '../metrics/gateway-metrics.ts'
import type { Instance, Question } from './prediction.ts'

type AskedInstance = { model: string; requestId: string; sent: PredictInstance }

/** What the instance asks, which is hashed and remembered at the first call. */
export function questionOf(
  deps: { askedIds: AskedIds; metrics: Pick<GatewayMetrics, 'requestIdReused'> },
  instance: Instance,
  asked: AskedInstance,
): () => Question {
  let question: Question | undefined
  return () => (question ??= findQuestion())

  function findQuestion(): Question {
    const sha256 = questionHash(instance, asked)
    const { tenant, index } = instance
    const reusesId = deps.askedIds.standsForAnother(`${tenant}/${asked.model}/${index}/${asked.requestId}`, sha256)
    if (reusesId) deps.metrics.requestIdReused(asked.model)
    return { sha256, reusesId }
  }
}

/** Hashes what was sent, never who answers. An anchor time that is only the time of receipt is no part of it. */
function questionHash({ tenant, index, entities, anchor, anchorTimeMs, row }: Instance, { model, requestId, sent }: AskedInstance): string {
  return canonicalHash({
    anchor,
    ...(sent.anchor_time !== undefined && { anchor_time: toTimestamp(anchorTimeMs) }),
    entities: inOrder(entities),
    index,
    ...(row === undefined ? { features: inOrder(sent.features) } : { inputs: row.inputs }),
    model,
    request_id: requestId,
    tenant,
  })
}

export type AskedIds = {
  /** Whether another question came under this id before, as far as it is remembered; remembers this one. */
  standsForAnother(id: string, questionSha256: string): boolean
}

/** A hash is cut to as many digits as a number holds exactly. */
const hexDigits = 13
/** Stands in the place of a hash for an id that was used for several questions; no hash is negative. */
const several = -1

/** Remembers what each of the ids that came last was asked for, `maxIds` of them. */
export function createAskedIds({ maxIds }: { maxIds: number }): AskedIds {
  const questions = new Map<string, number>()
  return {
    standsForAnother(id, questionSha256) {
      const question = Number.parseInt(questionSha256.slice(0, hexDigits), 16)
      const known = questions.get(id)
      if (known === question) return false
      if (known === undefined && questions.size >= maxIds) questions.delete(questions.keys().next().value ?? '')
      questions.set(id, known === undefined ? question : several)
      return known !== undefined
    },
  }
}
