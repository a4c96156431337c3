import fc from 'fast-check'
import { labelSourceKinds } from '../../contracts/label-event.ts'
import type { LabelStatement, LedgerPrediction } from '../outcomes/outcome.ts'
import type { OutcomeRules } from '../outcomes/outcome-rules.ts'
import { settledThrough } from './ledger-rows.ts'

export type World = { predictions: LedgerPrediction[]; statements: LabelStatement[] }

const stepMs = 500
const mostStatements = 12
const steps = fc.integer({ min: 0, max: 16 })
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })

/** An id such that the order of these as text is the reverse of ClickHouse's order of UUIDs. */
export function testUuid(number: number): string {
  return `0190a000-0000-7000-8000-${String(number).padStart(12, '0')}`.replace('a000', `a${String(999 - number).padStart(3, '0')}`)
}

const rarely = <T>(common: T, rare: T): fc.Arbitrary<T> =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(common) }, { weight: 1, arbitrary: fc.constant(rare) })
const entityShape = (user: fc.Arbitrary<string>, item: fc.Arbitrary<string>) =>
  fc.oneof(fc.record({ user }), fc.record({ item }), fc.record({ user, item }), fc.constant({}))
const entities = entityShape(rarely('1', "2'"), rarely('1', ''))

/** A small crowded ledger: few ids, times and labels, so that most statements meet several decisions and each other. */
export function arbitraryWorld(rules: OutcomeRules, baseMs: number): fc.Arbitrary<World> {
  const toMs = (step: number) => baseMs + step * stepMs
  return fc
    .record({
      decisions: fc.array(decisionDraft(rules), { minLength: 1, maxLength: 6, size: 'max' }),
      labels: fc.array(fc.constantFrom(...rules.labels.map(({ label }) => label), 'undefined_label'), { minLength: 1, maxLength: 2 }),
      statements: fc.array(statementDraft, { maxLength: mostStatements, size: 'max' }),
      seqs: fc.shuffledSubarray(
        Array.from({ length: mostStatements }, (_, number) => number + 1),
        { minLength: mostStatements },
      ),
    })
    .map((world) => ({
      predictions: withRepetitions(world.decisions).flatMap((draft, number) => toPredictions(draft, { number, toMs })),
      statements: withEchoes(world.statements).map((draft, number) =>
        toLabelStatement(draft, {
          number,
          toMs,
          label: world.labels[Math.floor(number / 3) % world.labels.length] ?? '',
          seq: world.seqs[number] ?? 0,
        }),
      ),
    }))
}

/** Worlds that share every id and differ by tenant alone. */
export function arbitraryTenants(worlds: { count: number; prefix: string; world: fc.Arbitrary<World> }): fc.Arbitrary<World[]> {
  const length = { minLength: worlds.count, maxLength: worlds.count }
  return fc.array(worlds.world, length).map((drawn) => drawn.map((world, number) => withTenant(world, `${worlds.prefix}${number}`)))
}

function withTenant(world: World, tenant: string): World {
  return {
    predictions: world.predictions.map((prediction) => ({ ...prediction, tenant })),
    statements: world.statements.map((statement) => ({ ...statement, tenant })),
  }
}

function decisionDraft(rules: OutcomeRules) {
  return fc.record({
    model: fc.constantFrom(...rules.primaryLabels.keys(), 'unlabelled'),
    requestId: fc.constantFrom('r1', 'r2'),
    index: fc.integer({ min: 0, max: 1 }),
    entities,
    anchor: fc.constantFrom('open', 'close'),
    step: steps,
    predictedSteps: fc.array(fc.constantFrom(0, 4, 11), { minLength: 1, maxLength: 2 }),
    question: optional(fc.constantFrom('1'.repeat(64), '2'.repeat(64))),
    fates: optional(
      fc.array(fc.record({ fate: fc.constantFrom('answered' as const, 'unanswered' as const, 'delivered' as const), step: steps }), {
        maxLength: 2,
      }),
    ),
    ingestedStep: rarely(4, 11),
    writer: rarely('gateway-1', 'gateway-10'),
    epoch: rarely(1, 2),
  })
}

type DecisionDraft = ReturnType<typeof decisionDraft> extends fc.Arbitrary<infer T> ? T : never

/** Makes decisions that repeat a question ask the same of the same model, though perhaps at another time. */
function withRepetitions(drafts: readonly DecisionDraft[]): DecisionDraft[] {
  const first = new Map<string, DecisionDraft>()
  return drafts.map((draft) => {
    const { question, step, predictedSteps, fates, ingestedStep, writer, epoch } = draft
    if (question === undefined) return draft
    const asked = first.get(question) ?? draft
    first.set(question, asked)
    return { ...asked, question, step, predictedSteps, fates, ingestedStep, writer, epoch }
  })
}

/** The first prediction of a decision was served, unless it has no fates, the others are shadows, at consecutive places of the writer. */
function toPredictions(draft: DecisionDraft, { number, toMs }: { number: number; toMs(step: number): number }): LedgerPrediction[] {
  const { step, predictedSteps, fates, ingestedStep, writer, epoch, ...decision } = draft
  return predictedSteps.map((predictedStep, position) => {
    const seq = 1 + 2 * ((number * 5) % 7) + position
    return {
      ...decision,
      tenant: 'default',
      decisionId: testUuid(number),
      predictionId: testUuid(2 * number + position),
      anchorTimeMs: toMs(step),
      predictedAtMs: toMs(predictedStep),
      receipt: { ingestedAtMs: toMs(ingestedStep), writerId: writer, epoch, seq },
      ...(position === 0 &&
        fates !== undefined && {
          told: { isSettled: seq <= settledThrough, records: fates.map(({ fate, step: at }) => ({ fate, ingestedAtMs: toMs(at) })) },
        }),
    }
  })
}

const statementDraft = fc.record({
  target: fc.oneof(
    fc.record({ kind: fc.constant('prediction' as const), number: fc.integer({ min: 0, max: 9 }) }),
    fc.record({
      kind: fc.constant('request' as const),
      requestId: fc.constantFrom('r1', 'r2', 'r3'),
      index: optional(fc.integer({ min: 0, max: 2 })),
    }),
    fc.record({
      kind: fc.constant('entities' as const),
      entities,
      anchor: optional(fc.constantFrom('open', 'close')),
      step: optional(steps),
    }),
  ),
  value: fc.oneof({ weight: 5, arbitrary: fc.constantFrom(0, 1) }, { weight: 1, arbitrary: fc.constantFrom('a', 'b', undefined) }),
  eventStep: steps,
  knownStep: fc.constantFrom(0, 4, 11),
  // There are few of each, and one of either more often: most statements of a source meet others known and received in the same instant.
  ingestedStep: rarely(4, 11),
  writer: rarely('gateway-1', 'gateway-10'),
  epoch: rarely(1, 2),
  source: fc.record({
    kind: fc.constantFrom('outcome', ...labelSourceKinds.slice(0, 2), 'unheard_of'),
    name: rarely('s1', 's2'),
    labeler: rarely(undefined, 'ann'),
  }),
  supersedes: fc.option(fc.integer({ min: 0, max: mostStatements - 1 }), { nil: undefined, freq: 4 }),
  retracted: rarely(false, true),
  // Says something of what the one before speaks about, from the same source and in the same instant.
  echoes: fc.boolean(),
})

type LabelStatementDraft = typeof statementDraft extends fc.Arbitrary<infer T> ? T : never

function withEchoes(drafts: readonly LabelStatementDraft[]): LabelStatementDraft[] {
  const heard: LabelStatementDraft[] = []
  for (const draft of drafts) {
    const { target, source, eventStep, knownStep } = (draft.echoes ? heard.at(-1) : undefined) ?? draft
    heard.push({ ...draft, target, source, eventStep, knownStep })
  }
  return heard
}

function toLabelStatement(
  draft: LabelStatementDraft,
  world: { number: number; label: string; seq: number; toMs(step: number): number },
): LabelStatement {
  const { target, value, source, retracted } = draft
  return {
    tenant: 'default',
    labelId: `l${world.number}`,
    label: world.label,
    retracted,
    ...(target.kind === 'prediction' && { predictionId: testUuid(target.number) }),
    ...(target.kind === 'request' && { requestId: target.requestId, ...(target.index !== undefined && { index: target.index }) }),
    ...(target.kind === 'entities' && {
      entities: target.entities,
      ...(target.anchor !== undefined && { anchor: target.anchor }),
      ...(target.step !== undefined && { anchorTimeMs: world.toMs(target.step) }),
    }),
    ...(typeof value === 'number' && { valueNumber: value }),
    ...(typeof value === 'string' && { valueText: value }),
    eventTimeMs: world.toMs(draft.eventStep),
    knownAtMs: world.toMs(draft.knownStep),
    ingestedAtMs: world.toMs(draft.ingestedStep),
    origin: { writerId: draft.writer, epoch: draft.epoch, seq: world.seq },
    source: { kind: source.kind, name: source.name, ...(source.labeler !== undefined && { labeler: source.labeler }) },
    ...(draft.supersedes !== undefined && { supersedes: `l${draft.supersedes}` }),
  }
}
