import { labelSourceKinds } from '../../contracts/label-event.ts'
import { quoteString } from '../../platform/schema/sql-text.ts'
import { type SqlClock, timeOf } from './clock.ts'
import { leftOutSql, questionsSql } from './questions-sql.ts'
import { constantTable, inForceSql, type InForce, type SqlRules } from './sql-rules.ts'

export type OutcomesSqlOptions = {
  /** The time as of which outcomes are told. Rules that were not in force then are left out. */
  clock: SqlClock
  /** A boolean expression over silver.predictions that holds for whole models only; others are left out early. */
  where?: string
  /** Leaves out outcomes of labels that are not their model's primary one. */
  primaryOnly?: boolean
  /**
   * Has a row for each decision, whenever it was recorded; with an empty label where it has no outcome because its model's primary label
   * is not defined.
   */
  everyDecision?: boolean
}

/** The columns that say whether a decision counts, beside its outcome. */
export const standingColumns = [
  {
    name: 'counts',
    type: 'Bool',
    comment:
      'True for one decision of each question that was answered or may have been: of attempts that repeat each other the answered, and of those the latest. ' +
      'Shadows and replays follow their decision. Whatever counts decisions counts these.',
  },
  {
    name: 'left_out',
    type: 'LowCardinality(Nullable(String))',
    comment:
      'Why the decision does not count: unanswered (its caller was told nothing) or repeated (another attempt at the question counts); null where it does.',
  },
  { name: 'attempts', type: 'UInt32', comment: 'Decisions that ask the same question, this one included: 1 where it was asked once.' },
] as const

/** The columns of an outcome, as `outcomesSql` selects them. */
export const outcomeColumns = [
  { name: 'tenant', type: 'LowCardinality(String)', comment: 'The customer the row belongs to.' },
  { name: 'decision_id', type: 'UUID', comment: 'The decision: its served prediction, shadows and replays share the outcome.' },
  { name: 'label', type: 'LowCardinality(String)', comment: 'Name of the label definition.' },
  {
    name: 'definition_sha256',
    type: 'String',
    comment: 'The definition of the label that was used, by its hash in silver.definitions.',
  },
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
  { name: 'statements', type: 'UInt64', comment: 'Label events that counted by then and matched the decision, withdrawn ones included.' },
  ...standingColumns,
] as const

/**
 * A SELECT over silver.predictions and silver.labels that gives every outcome as of a time, equal to
 * `resolveOutcomes`. Join keys spare it a comparison of all with all: an id, or an entity with its anchor time, or
 * an entity with the window-wide bucket that its anchor time falls in.
 */
export function outcomesSql(rules: SqlRules, options: OutcomesSqlOptions): string {
  const primaryOnly = options.primaryOnly === true
  const everyDecision = options.everyDecision === true
  const { clock, where } = options
  const time = timeOf(clock)
  return `WITH
  rules AS (${rulesSql(primaryOnly ? primaryRules(rules) : rules, time)}),
  primaries AS (${primariesSql(rules, time)}),
  known AS (${knownSql(clock)}),
  questions AS (${questionsSql({ where, ...(!everyDecision && { clock }) })}),
  candidates AS (${candidatesSql}),
  matches AS (${matchesSql})
SELECT
  tenant, decision.1 AS decision_id, label, definition_sha256, model, anchor, decision.2 AS anchor_time,
  multiIf(
    length(winning_values) = 1, 'labeled',
    length(winning_values) > 1, 'conflicted',
    matures_at > ${time}, 'pending',
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
  statements,
  CAST(isNull(left_out), 'Bool') AS counts,
  ${leftOutSql('decision', 'chosen')} AS left_out,
  toUInt32(length(members)) AS attempts
FROM
(
  SELECT
    tenant, chosen, label,
    any(by_source.model) AS model,
    any(by_source.anchor) AS anchor,
    any(by_source.members) AS members,
    sum(by_source.statements) AS statements,
    groupArrayIf(by_source.newest, by_source.has_value) AS standings,
    arrayFilter(standing -> standing.1 = arrayMin(other -> other.1, standings), standings) AS winners,
    arrayDistinct(arrayMap(standing -> (standing.2, standing.3), winners)) AS winning_values
  FROM (${statementsBySourceSql} UNION ALL ${expectedSql(everyDecision)}) AS by_source
  GROUP BY tenant, chosen, label
) AS resolved
${everyDecision ? 'LEFT' : 'INNER'} JOIN rules ON rules.rule_label = resolved.label
ARRAY JOIN members AS decision
WHERE ${primaryOnly ? isPrimary : 'true'}${everyDecision ? " OR label = ''" : ''}`
}

/** A query of how many questions each label statement reaches, and of how many it holds. */
export function labelReachSql(rules: SqlRules, asOf: string): string {
  return `WITH
  rules AS (${rulesSql(rules, asOf)}),
  known AS (${knownSql({ asOf })}),
  questions AS (${questionsSql()}),
  candidates AS (${candidatesSql})
SELECT
  known.tenant AS tenant, known.label AS label, known.label_id AS label_id, known.target AS target, known.request_id AS request_id,
  known.known_at AS known_at, reach.reached AS reached, reach.counted AS counted
FROM known
LEFT JOIN
(
  SELECT tenant, label, label_id, sum(length(reached)) AS reached, sum(length(counted)) AS counted
  FROM candidates
  GROUP BY tenant, label, label_id
) AS reach USING (tenant, label, label_id)`
}

function primaryRules(rules: SqlRules): SqlRules {
  const names = new Set(rules.primaries.map(({ label }) => label))
  return { ...rules, labels: rules.labels.filter(({ label }) => names.has(label)) }
}

/** A label that is one model's primary may have matched another model's decisions. */
const isPrimary = '(model, label) IN (SELECT primary_model, primary_label FROM primaries)'

function rulesSql({ labels }: SqlRules, time: string): string {
  const rows = labels.map((rule) => [
    quoteString(rule.label),
    quoteString(rule.definitionSha256),
    `toInt64(${rule.windowMs})`,
    quoteString(rule.which),
    `toInt64(${rule.maturityMs})`,
    quoteString(rule.silence),
  ])
  const columns = ['rule_label', 'definition_sha256', 'window_ms', 'which', 'maturity_ms', 'silence']
  return inForceTable({ columns, empty: ["''", "''", 'toInt64(0)', "''", 'toInt64(0)', "''"], of: labels, rows, time })
}

function primariesSql({ primaries }: SqlRules, time: string): string {
  const rows = primaries.map(({ model, label }) => [quoteString(model), quoteString(label)])
  return inForceTable({ columns: ['primary_model', 'primary_label'], empty: ["''", "''"], of: primaries, rows, time })
}

type InForceTable = {
  columns: readonly string[]
  rows: readonly (readonly string[])[]
  empty: readonly string[]
  /** What the rows are made of. */
  of: readonly InForce[]
  time: string
}

/** A query of those rows whose definitions were in force at the time. */
function inForceTable({ columns, rows, empty, of, time }: InForceTable): string {
  const bounds = ['force_from', 'force_until']
  const [first, until] = inForceSql({})
  const table = constantTable(
    [...columns, ...bounds],
    rows.map((row, index) => [...row, ...inForceSql(of[index] ?? {})]),
    [...empty, first, until],
  )
  return `SELECT ${columns.join(', ')} FROM (${table}) WHERE force_from <= ${time} AND force_until > ${time}`
}

function knownSql(clock: SqlClock): string {
  return `
    SELECT
      tenant, label, label_id, prediction_id, request_id, \`index\`, entities, anchor, anchor_time, value_number, value_text,
      event_time, known_at, (known_at, ingested_at, toString(writer_id), epoch, seq) AS position,
      source_kind, source_name, source_labeler, supersedes, retracted, window_ms, which,
      multiIf(isNotNull(prediction_id), 'prediction', isNotNull(request_id), 'request', notEmpty(entities), 'entities', 'none') AS target,
      arraySort(CAST(mapKeys(entities), 'Array(String)')) AS roles
    FROM silver.labels
    INNER JOIN rules ON rules.rule_label = silver.labels.label
    WHERE known_at <= ${timeOf(clock)}${clock.asOf === undefined ? '' : ` AND ingested_at <= ${clock.asOf}`}`
}

const toMs = (column: string) => `toUnixTimestamp64Milli(${column})`

/** A key that is equal for an anchor time and a window that reaches it; with an exact match the bucket is the time itself. */
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

/**
 * A query with one row per statement, model and anchor: the questions that it reaches by any of their attempts, as tuples of the chosen attempt
 * and all of them, and those that `which` leaves. What was not answered gives way to what was.
 */
const candidatesSql = `
    SELECT
      tenant, statement.label AS label, statement.label_id AS label_id, question.model AS model, question.anchor AS anchor,
      arraySort(each -> (each.1.1, each.1.2), groupUniqArray((question.chosen, question.members))) AS reached,
      if(arrayExists(each -> each.1.3 > 0, reached), arrayFilter(each -> each.1.3 > 0, reached), reached) AS preferred,
      multiIf(
        any(statement.which) = 'first', arraySlice(preferred, 1, 1),
        any(statement.which) = 'last', arraySlice(preferred, -1),
        reached) AS counted,
      any(statement.value_number) AS value_number, any(statement.value_text) AS value_text,
      any(statement.known_at) AS known_at, any(statement.position) AS position, any(statement.retracted) AS retracted,
      any(statement.source_kind) AS source_kind, any(statement.source_name) AS source_name, any(statement.source_labeler) AS source_labeler
    FROM
    (
      SELECT
        tenant, model, \`index\`, anchor, chosen, members, target.1 AS anchor_time, target.2 AS prediction_ids,
        arrayJoin(${decisionKeys}) AS key
      FROM questions
      CROSS JOIN (SELECT groupUniqArray((window_ms, roles)) AS shapes FROM known WHERE target = 'entities') AS entity_shapes
      ARRAY JOIN targets AS target
    ) AS question
    INNER JOIN
    (
      SELECT *, arrayJoin(${statementKeys}) AS key
      FROM known
    ) AS statement USING (tenant, key)
    WHERE multiIf(
      statement.target = 'prediction', true,
      statement.target = 'request', isNull(statement.index) OR statement.index = question.index,
      (isNull(statement.anchor) OR statement.anchor = question.anchor)
        AND (isNull(statement.anchor_time) OR statement.anchor_time = question.anchor_time)
        AND (statement.window_ms = 0 OR (
          ${toMs('question.anchor_time')} >= ${toMs('statement.event_time')} - statement.window_ms
          AND question.anchor_time < statement.event_time)))
    GROUP BY tenant, label, label_id, model, anchor`

/** A query with one row per statement and question that it counts for. */
const matchesSql = `
    SELECT
      tenant, label, label_id, model, anchor, question.1 AS chosen, question.2 AS members,
      value_number, value_text, known_at, position, source_kind, source_name, source_labeler, retracted
    FROM candidates
    ARRAY JOIN counted AS question`

const kindRank = `transform(source_kind, [${labelSourceKinds.map(quoteString).join(', ')}], [${labelSourceKinds.map((_, rank) => rank).join(', ')}], ${labelSourceKinds.length})`

const statementsBySourceSql = `
    SELECT
      tenant, chosen, label, any(matches.model) AS model, any(matches.anchor) AS anchor, any(matches.members) AS members,
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
    GROUP BY tenant, chosen, label, source_kind, source_name, source_labeler`

/** A row without a statement for each question's primary label, so that silence has an outcome too. */
function expectedSql(everyDecision: boolean): string {
  return `
    SELECT
      tenant, chosen, toLowCardinality(primary_label) AS label, model, anchor, members, toUInt64(0) AS statements,
      (toUInt8(0), CAST(NULL, 'Nullable(Float64)'), CAST(NULL, 'Nullable(String)'), chosen.1, false) AS newest, false AS has_value
    FROM questions
    ${everyDecision ? 'LEFT' : 'INNER'} JOIN primaries ON primaries.primary_model = questions.model`
}
