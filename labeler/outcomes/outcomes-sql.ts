import { labelSourceKinds } from '../../contracts/label-event.ts'
import { quoteString } from '../../platform/schema/sql-text.ts'
import type { OutcomeRules } from './outcome-rules.ts'

export type OutcomesSqlOptions = {
  /** An expression of type DateTime64(3, 'UTC'): the time as of which outcomes are known. */
  asOf: string
  /** A boolean expression over silver.predictions that holds for whole models only; others are left out early. */
  where?: string
  /** Only the outcomes of each model's primary label. */
  primaryOnly?: boolean
}

/** The columns of an outcome, as `outcomesSql` selects them. */
export const outcomeColumns = [
  { name: 'tenant', type: 'LowCardinality(String)', comment: 'The customer the row belongs to.' },
  { name: 'decision_id', type: 'UUID', comment: 'The decision: its served prediction, shadows and replays share the outcome.' },
  { name: 'label', type: 'LowCardinality(String)', comment: 'Name of the label definition.' },
  { name: 'model', type: 'LowCardinality(String)', comment: 'Name of the model that decided.' },
  { name: 'anchor', type: 'LowCardinality(String)', comment: 'The named decision point.' },
  { name: 'anchor_time', type: "DateTime64(3, 'UTC')", comment: 'Business time the decision is about.' },
  {
    name: 'outcome_state',
    type: 'LowCardinality(String)',
    comment:
      'pending (not mature), labeled, negative (mature, nothing came, silence means no), expired (mature, nothing came, ' +
      'silence means unknown), conflicted (sources of the strongest kind differ) or retracted (mature, all that came was withdrawn).',
  },
  { name: 'outcome', type: 'Nullable(Float64)', comment: 'The outcome as a number: 0 or 1 for binary labels; null where there is none.' },
  { name: 'outcome_text', type: 'Nullable(String)', comment: 'The outcome of a category label; null otherwise.' },
  {
    name: 'outcome_known_at',
    type: "Nullable(DateTime64(3, 'UTC'))",
    comment: 'When the outcome could first be known; of a negative, when the decision became mature; null where there is none.',
  },
  {
    name: 'matures_at',
    type: "DateTime64(3, 'UTC')",
    comment: 'anchor_time plus the maturity of the label: from then on silence has a meaning.',
  },
  { name: 'statements', type: 'UInt64', comment: 'Label events known by then that matched the decision, withdrawn ones included.' },
] as const

/**
 * A SELECT over silver.predictions and silver.labels that gives every outcome as of a time, equal to
 * `resolveOutcomes`. Join keys spare it a comparison of all with all: an id, or an entity with its anchor time, or
 * an entity with the window-wide bucket that its anchor time falls in.
 */
export function outcomesSql(rules: OutcomeRules, options: OutcomesSqlOptions): string {
  return `WITH
  rules AS (${rulesSql(options.primaryOnly === true ? primaryRules(rules) : rules)}),
  known AS (${knownSql(options.asOf)}),
  decisions AS (${decisionsSql(options.where)}),
  matches AS (${matchesSql})
SELECT
  tenant, decision_id, label, model, anchor, anchor_time,
  multiIf(
    length(winning_values) = 1, 'labeled',
    length(winning_values) > 1, 'conflicted',
    matures_at > ${options.asOf}, 'pending',
    statements > 0, 'retracted',
    silence = 'negative', 'negative',
    'expired') AS outcome_state,
  multiIf(outcome_state = 'labeled', winning_values[1].1, outcome_state = 'negative', toNullable(toFloat64(0)), NULL) AS outcome,
  if(outcome_state = 'labeled', winning_values[1].2, NULL) AS outcome_text,
  multiIf(
    outcome_state = 'labeled', toNullable(arrayMin(standing -> standing.4, winners)),
    outcome_state = 'negative', toNullable(matures_at),
    NULL) AS outcome_known_at,
  addMilliseconds(anchor_time, maturity_ms) AS matures_at,
  statements
FROM
(
  SELECT
    tenant, decision_id, label,
    any(by_source.model) AS model,
    any(by_source.anchor) AS anchor,
    any(by_source.anchor_time) AS anchor_time,
    sum(by_source.statements) AS statements,
    groupArrayIf(by_source.newest, by_source.has_value) AS standings,
    arrayFilter(standing -> standing.1 = arrayMin(other -> other.1, standings), standings) AS winners,
    arrayDistinct(arrayMap(standing -> (standing.2, standing.3), winners)) AS winning_values
  FROM (${statementsBySourceSql} UNION ALL ${expectedSql(rules)}) AS by_source
  GROUP BY tenant, decision_id, label
) AS resolved
INNER JOIN rules ON rules.rule_label = resolved.label
WHERE ${options.primaryOnly === true ? isPrimary(rules) : 'true'}`
}

function primaryRules(rules: OutcomeRules): OutcomeRules {
  const primaries = new Set(rules.primaryLabels.values())
  return { ...rules, labels: rules.labels.filter(({ label }) => primaries.has(label)) }
}

/** A label that is one model's primary may have matched another model's decisions. */
function isPrimary({ primaryLabels }: OutcomeRules): string {
  const pairs = [...primaryLabels].map(([model, label]) => `(${quoteString(model)}, ${quoteString(label)})`)
  return pairs.length === 0 ? 'false' : `(model, label) IN (${pairs.join(', ')})`
}

function rulesSql({ labels }: OutcomeRules): string {
  const columns = ['rule_label', 'window_ms', 'which', 'maturity_ms', 'silence']
  return constantTable(
    columns,
    labels.map((rule) => [
      quoteString(rule.label),
      `toInt64(${rule.windowMs})`,
      quoteString(rule.which),
      `toInt64(${rule.maturityMs})`,
      quoteString(rule.silence),
    ]),
    ["''", 'toInt64(0)', "''", 'toInt64(0)', "''"],
  )
}

function knownSql(asOf: string): string {
  return `
    SELECT
      tenant, label, label_id, prediction_id, request_id, \`index\`, entities, anchor, anchor_time, value_number, value_text,
      event_time, known_at, (known_at, ingested_at, toString(writer_id), epoch, seq) AS position,
      source_kind, source_name, source_labeler, supersedes, retracted, window_ms, which,
      multiIf(isNotNull(prediction_id), 'prediction', isNotNull(request_id), 'request', notEmpty(entities), 'entities', 'none') AS target,
      arraySort(CAST(mapKeys(entities), 'Array(String)')) AS roles
    FROM silver.labels
    INNER JOIN rules ON rules.rule_label = silver.labels.label
    WHERE known_at <= ${asOf}`
}

/** A decision's attributes are those of its first prediction; replays come later and repeat them. */
function decisionsSql(where = 'true'): string {
  return `
    SELECT
      tenant, decision_id, prediction_ids, origin.1 AS model, origin.2 AS request_id, origin.3 AS \`index\`,
      origin.4 AS entities, origin.5 AS anchor, origin.6 AS anchor_time
    FROM
    (
      SELECT
        tenant, decision_id, groupArray(prediction_id) AS prediction_ids,
        argMin((model, request_id, \`index\`, entities, anchor, anchor_time), (ingested_at, toString(prediction_id))) AS origin
      FROM silver.predictions
      WHERE ${where}
      GROUP BY tenant, decision_id
    )`
}

const toMs = (column: string) => `toUnixTimestamp64Milli(${column})`

/** Equal for an anchor time and a window that reaches it; with an exact match the bucket is the time itself. */
function entityKey(ids: { windowMs: string; roles: string; entities: string; timeMs: string }): string {
  const bucket = `if(${ids.windowMs} = 0, ${ids.timeMs}, intDiv(${ids.timeMs} - positiveModulo(${ids.timeMs}, greatest(${ids.windowMs}, 1)), greatest(${ids.windowMs}, 1)))`
  return `concat('e', toString((${ids.windowMs}, ${ids.roles}, arrayMap(role -> ${ids.entities}[role], ${ids.roles}), ${bucket})))`
}

const statementEntityKey = (timeMs: string) => entityKey({ windowMs: 'window_ms', roles: 'roles', entities: 'entities', timeMs })

const statementKeys = `multiIf(
          target = 'prediction', [concat('p', toString(assumeNotNull(prediction_id)))],
          target = 'request', [concat('r', assumeNotNull(request_id))],
          target = 'entities' AND window_ms > 0,
            arrayDistinct([${statementEntityKey(`(${toMs('event_time')} - window_ms)`)}, ${statementEntityKey(`(${toMs('event_time')} - 1)`)}]),
          target = 'entities' AND isNotNull(anchor_time), [${statementEntityKey(toMs('assumeNotNull(anchor_time)'))}],
          [])`

const decisionKeys = `arrayConcat(
          arrayMap(id -> concat('p', toString(id)), prediction_ids),
          [concat('r', request_id)],
          arrayMap(
            shape -> ${entityKey({ windowMs: 'shape.1', roles: 'shape.2', entities: 'entities', timeMs: toMs('anchor_time') })},
            arrayFilter(shape -> hasAll(CAST(mapKeys(entities), 'Array(String)'), shape.2), shapes)))`

/** One row per statement and decision that it counts for. */
const matchesSql = `
    SELECT
      tenant, label, label_id, model, anchor, chosen.1 AS anchor_time, chosen.3 AS decision_id,
      value_number, value_text, known_at, position, source_kind, source_name, source_labeler, retracted
    FROM
    (
      SELECT
        tenant, statement.label AS label, statement.label_id AS label_id, decision.model AS model, decision.anchor AS anchor,
        arraySort(groupUniqArray((decision.anchor_time, toString(decision.decision_id), decision.decision_id))) AS candidates,
        multiIf(
          any(statement.which) = 'first', arraySlice(candidates, 1, 1),
          any(statement.which) = 'last', arraySlice(candidates, -1),
          candidates) AS counted,
        any(statement.value_number) AS value_number, any(statement.value_text) AS value_text,
        any(statement.known_at) AS known_at, any(statement.position) AS position, any(statement.retracted) AS retracted,
        any(statement.source_kind) AS source_kind, any(statement.source_name) AS source_name, any(statement.source_labeler) AS source_labeler
      FROM
      (
        SELECT
          tenant, decision_id, model, \`index\`, anchor, anchor_time,
          arrayJoin(${decisionKeys}) AS key
        FROM decisions
        CROSS JOIN (SELECT groupUniqArray((window_ms, roles)) AS shapes FROM known WHERE target = 'entities') AS entity_shapes
      ) AS decision
      INNER JOIN
      (
        SELECT *, arrayJoin(${statementKeys}) AS key
        FROM known
      ) AS statement USING (tenant, key)
      WHERE multiIf(
        statement.target = 'prediction', true,
        statement.target = 'request', isNull(statement.index) OR statement.index = decision.index,
        (isNull(statement.anchor) OR statement.anchor = decision.anchor)
          AND (isNull(statement.anchor_time) OR statement.anchor_time = decision.anchor_time)
          AND (statement.window_ms = 0 OR (
            ${toMs('decision.anchor_time')} >= ${toMs('statement.event_time')} - statement.window_ms
            AND decision.anchor_time < statement.event_time)))
      GROUP BY tenant, label, label_id, model, anchor
    )
    ARRAY JOIN counted AS chosen`

const kindRank = `transform(source_kind, [${labelSourceKinds.map(quoteString).join(', ')}], [${labelSourceKinds.map((_, rank) => rank).join(', ')}], ${labelSourceKinds.length})`

const statementsBySourceSql = `
    SELECT
      tenant, decision_id, label, any(matches.model) AS model, any(matches.anchor) AS anchor, any(matches.anchor_time) AS anchor_time,
      count() AS statements,
      argMaxIf(
        (toUInt8(${kindRank}), value_number, value_text, matches.known_at, matches.retracted),
        position, NOT superseded) AS newest,
      countIf(NOT superseded) > 0 AND NOT newest.5 AND (isNotNull(newest.2) OR isNotNull(newest.3)) AS has_value
    FROM
    (
      SELECT *, (tenant, label, label_id) IN (
        SELECT tenant, label, assumeNotNull(supersedes) FROM known WHERE isNotNull(supersedes)) AS superseded
      FROM matches
    ) AS matches
    GROUP BY tenant, decision_id, label, source_kind, source_name, source_labeler`

/** A row without a statement for each decision's primary label, so that silence has an outcome too. */
function expectedSql({ primaryLabels }: OutcomeRules): string {
  const primaries = constantTable(
    ['primary_model', 'primary_label'],
    [...primaryLabels].map(([model, label]) => [quoteString(model), quoteString(label)]),
    ["''", "''"],
  )
  return `
    SELECT
      tenant, decision_id, toLowCardinality(primary_label) AS label, model, anchor, anchor_time, toUInt64(0) AS statements,
      (toUInt8(0), CAST(NULL, 'Nullable(Float64)'), CAST(NULL, 'Nullable(String)'), anchor_time, false) AS newest, false AS has_value
    FROM decisions
    INNER JOIN (${primaries}) AS primaries ON primaries.primary_model = decisions.model`
}

/** `empty` gives the columns their types when there is no row. */
function constantTable(columns: readonly string[], rows: readonly (readonly string[])[], empty: readonly string[]): string {
  const toSelect = (row: readonly string[]) => `SELECT ${row.map((value, index) => `${value} AS ${columns[index] ?? ''}`).join(', ')}`
  return rows.length === 0 ? `${toSelect(empty)} WHERE false` : rows.map(toSelect).join(' UNION ALL ')
}
