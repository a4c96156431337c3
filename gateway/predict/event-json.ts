import { toCanonicalJson } from '../../contracts/canonical-json.ts'
import type { AppliedPosition } from '../../contracts/origin.ts'
import type { ServedFeature, UnsealedPredictionEvent } from '../../contracts/prediction-event.ts'

/**
 * The RFC 8785 form of an event that was made here, as `toCanonicalJson` gives it, written field by field in the order of
 * the keys, which is quicker. What is checked before it comes here and can hold nothing to escape is taken as it
 * is: names, hashes, ids of ours, times, counts. Throws on NaN and Infinity.
 */
export function toEventJson(event: UnsealedPredictionEvent): string {
  return (
    `{"anchor":"${event.anchor}","anchor_time":"${event.anchor_time}","code_version":${text(event.code_version)}` +
    optional('data_category', event.data_category) +
    optional('decision', event.decision) +
    `,"decision_id":"${event.decision_id}","deployment_revision":${event.deployment_revision}` +
    `,"duration_us":${toCanonicalJson(event.duration_us)},"entities":${toCanonicalJson(event.entities)}` +
    optional('error_code', event.error_code) +
    `,"execution_provider":${text(event.execution_provider)}` +
    optional('fallback', event.fallback) +
    `,"feature_set_sha256":"${event.feature_set_sha256}","features":${list(event.features, feature)}` +
    `,"features_as_of":${list(event.features_as_of, position)}` +
    optional('features_read_at', event.features_read_at) +
    optional('idempotency_key', event.idempotency_key) +
    `,"index":${event.index},"ingested_at":"${event.ingested_at}"` +
    optional('inputs', event.inputs) +
    `,"manifest_sha256":"${event.manifest_sha256}","model":"${event.model}"` +
    `,"model_definition_sha256":"${event.model_definition_sha256}","model_sha256":"${event.model_sha256}"` +
    `,"model_version":"${event.model_version}"` +
    optional('output_tensors', event.output_tensors) +
    `,"outputs":${toCanonicalJson(event.outputs)},"predicted_at":"${event.predicted_at}","prediction_id":"${event.prediction_id}"` +
    `,"purposes":${list(event.purposes, text)}` +
    optional('question_sha256', event.question_sha256) +
    optional('region', event.region) +
    `,"request_id":${text(event.request_id)},"retention_until":"${event.retention_until}","route":"${event.route}"` +
    `,"route_probability":${event.route_probability},"schema_version":${event.schema_version},"status":"${event.status}"` +
    optional('subject_id', event.subject_id) +
    `,"tags":${list(event.tags, text)},"tenant":"${event.tenant}"` +
    optional('trace_id', event.trace_id) +
    optional('trace_sampled', event.trace_sampled) +
    `,"trigger":"${event.trigger}","warnings":${list(event.warnings, text)}}`
  )
}

function feature({ age_ms, definition, event_time, name, reason, source, status, value }: ServedFeature): string {
  return (
    (age_ms === undefined ? '{' : `{"age_ms":${age_ms},`) +
    `"definition":"${definition}"` +
    optional('event_time', event_time) +
    `,"name":"${name}"` +
    optional('reason', reason) +
    `,"source":"${source}","status":"${status}"` +
    `${optional('value', value)}}`
  )
}

function position({ epoch, seq, writer_id }: AppliedPosition): string {
  return `{"epoch":${epoch},"seq":${seq},"writer_id":${text(writer_id)}}`
}

function list<Item>(items: readonly Item[], write: (item: Item) => string): string {
  if (items.length === 0) return '[]'
  let json = '['
  for (const [index, item] of items.entries()) json += index === 0 ? write(item) : `,${write(item)}`
  return `${json}]`
}

function optional(key: string, value: unknown): string {
  if (value === undefined) return ''
  if (typeof value === 'string') return `,"${key}":${text(value)}`
  if (typeof value === 'number') return `,"${key}":${number(value)}`
  return `,"${key}":${toCanonicalJson(value)}`
}

/** Printable ASCII but quotes and backslashes, which stands for itself. */
const plain = /^[ !#-[\]-~]*$/

function text(value: string): string {
  return plain.test(value) ? `"${value}"` : JSON.stringify(value)
}

/** RFC 8785, section 3.2.2.3, takes its form of numbers from ECMAScript, where -0 is 0. */
function number(value: number): string {
  if (!Number.isFinite(value)) throw new TypeError('only finite numbers have a canonical form')
  return `${value}`
}
