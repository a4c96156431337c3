import type { Score } from '../../contracts/model-definition.ts'
import type { PredictionEvent } from '../../contracts/prediction-event.ts'
import type { Warehouse } from '../../platform/warehouse/warehouse.ts'
import type { OutcomeState } from '../outcomes/outcome.ts'
import { type Clock, timeOf } from '../outcomes/clock.ts'
import type { OutcomeRules } from '../outcomes/outcome-rules.ts'
import { outcomesSql } from '../outcomes/outcomes-sql.ts'
import { countedPredictionSql } from '../outcomes/questions-sql.ts'
import { toSqlRules } from '../outcomes/sql-rules.ts'

/** A prediction and its outcome. Without a score it cannot be judged. */
export type PredictionRow = {
  model_version: string
  route: PredictionEvent['route']
  anchor: string
  /** UTC day of the anchor time. */
  day: string
  /** The ids of the entities that it depends on others by, in the order of the roles that were asked for; empty for a role without one. */
  clusters: string[]
  score: number | null
  score_text: string | null
  /** The probability of each class, in the order of the model's categories; empty where the model gives none, or not all of them. */
  probabilities: number[]
  outcome_state: OutcomeState
  outcome: number | null
  outcome_text: string | null
  mature: boolean
  /** Why it does not count; null where it does. */
  left_out: 'unanswered' | 'repeated' | null
}

export type PredictionRowsQuery = {
  rules: OutcomeRules
  model: string
  score: Score
  /** The roles whose ids make `clusters`. */
  roles: readonly string[]
  clock: Clock
  anchorFromMs?: number | undefined
  anchorToMs?: number | undefined
  tenant?: string | undefined
  tags?: readonly string[] | undefined
}

const time = (name: string) => `fromUnixTimestamp64Milli({${name}:Int64}, 'UTC')`

/** Every prediction that the model made for itself, in blocks; replays are another model's business. */
export function readPredictionRows(warehouse: Warehouse, query: PredictionRowsQuery): AsyncIterable<PredictionRow[]> {
  const clock = query.clock.asOf === undefined ? { knownAsOf: time('as_of') } : { asOf: time('as_of') }
  const outcomes = outcomesSql(toSqlRules(query.rules), { clock, where: 'model = {model:String}', primaryOnly: true })
  const said = `status IN ('ok', 'fallback')`
  const output = (map: string) => `if(${said} AND mapContains(${map}, {score:String}), ${map}[{score:String}], NULL)`
  const ofClasses = query.score.kind === 'class' ? Object.values(query.score.probabilities ?? {}) : []
  const probabilities =
    ofClasses.length === 0
      ? "CAST([], 'Array(Float64)')"
      : `if(${said} AND arrayAll(name -> mapContains(outputs_number, name), {classes:Array(String)}),
           arrayMap(name -> outputs_number[name], {classes:Array(String)}), [])`
  const filters = [
    'model = {model:String}',
    `trigger != 'replay'`,
    countedPredictionSql(clock),
    ...(query.anchorFromMs === undefined ? [] : [`anchor_time >= ${time('anchor_from')}`]),
    ...(query.anchorToMs === undefined ? [] : [`anchor_time < ${time('anchor_to')}`]),
    ...(query.tenant === undefined ? [] : ['tenant = {tenant:String}']),
    ...(query.tags === undefined ? [] : ['hasAny(tags, {tags:Array(String)})']),
  ]
  return warehouse.stream<PredictionRow>(
    `SELECT
       prediction.model_version AS model_version, prediction.route AS route, prediction.anchor AS anchor,
       prediction.day AS day, prediction.clusters AS clusters, prediction.score AS score, prediction.score_text AS score_text,
       prediction.probabilities AS probabilities,
       resolved.outcome_state AS outcome_state, resolved.outcome AS outcome, resolved.outcome_text AS outcome_text,
       CAST(resolved.matures_at <= ${time('as_of')}, 'Bool') AS mature,
       resolved.left_out AS left_out
     FROM
     (
       SELECT
         tenant, decision_id, model_version, route, anchor, toString(toDate32(anchor_time)) AS day,
         ${query.roles.length === 0 ? "CAST([], 'Array(String)')" : 'arrayMap(role -> entities[role], {roles:Array(String)})'} AS clusters,
         ${output('outputs_number')} AS score, ${output('outputs_text')} AS score_text,
         ${probabilities} AS probabilities
       FROM silver.predictions
       WHERE ${filters.join(' AND ')}
     ) AS prediction
     INNER JOIN (${outcomes}) AS resolved USING (tenant, decision_id)`,
    {
      model: query.model,
      score: query.score.output ?? '',
      as_of: timeOf(query.clock),
      ...(query.roles.length > 0 && { roles: query.roles }),
      ...(ofClasses.length > 0 && { classes: ofClasses }),
      ...(query.anchorFromMs !== undefined && { anchor_from: query.anchorFromMs }),
      ...(query.anchorToMs !== undefined && { anchor_to: query.anchorToMs }),
      ...(query.tenant !== undefined && { tenant: query.tenant }),
      ...(query.tags !== undefined && { tags: query.tags }),
    },
  )
}
