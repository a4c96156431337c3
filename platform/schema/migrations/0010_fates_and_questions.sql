-- What the caller was told of a prediction comes later than its event, so it is a record of its own, and there is one only
-- where settled_through does not say it. Which fate counts is judged at read: delivered and answered before unanswered.
CREATE TABLE IF NOT EXISTS bronze.prediction_fates
(
  fate_id UUID COMMENT 'UUIDv7 of this record, ours.',
  prediction_id UUID COMMENT 'The prediction whose fate it is.',
  tenant LowCardinality(String) COMMENT 'The customer the row belongs to; every key begins with it.',
  payload_hash FixedString(64) COMMENT 'SHA-256 (hexadecimal) over the RFC 8785 form of the record without this field.',
  fate LowCardinality(String) COMMENT 'answered, unanswered, or delivered (by a replay of the answer under its Idempotency-Key). Nearly every answered prediction has no row: bronze.settled says it.',
  reason LowCardinality(Nullable(String)) COMMENT 'Why it is unanswered: deadline, client_gone or error; null otherwise.',
  ingested_at DateTime64(3, 'UTC') COMMENT 'When the gateway knew.',
  retention_until DateTime64(3, 'UTC') COMMENT 'The row is removed after this time, which is that of the prediction.',
  writer_id LowCardinality(String) COMMENT 'Origin: the outbox that first made the record durable.',
  epoch UInt32 COMMENT 'Origin: rises by one at each opening of that outbox.',
  lane LowCardinality(String) COMMENT 'Origin: the lane of the outbox (predictions, labels, feature_events, batch_predictions).',
  seq UInt64 COMMENT 'Origin: position in the lane, from 1, without gaps within writer_id, epoch and lane.',
  appended_at DateTime64(3, 'UTC') COMMENT 'When the outbox appended the record, by the writer\'s clock.',
  stored_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the logger inserted the row; differs between redeliveries, so it is no part of any key.'
)
ENGINE = ReplacingMergeTree
PARTITION BY toDate(UUIDv7ToDateTime(prediction_id, 'UTC'))
ORDER BY (tenant, prediction_id, fate_id, payload_hash, writer_id, epoch, seq)
TTL retention_until
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'What callers were told of predictions, where the order of the log does not say it.';

-- A maximum may be stored any number of times, in any order.
CREATE TABLE IF NOT EXISTS bronze.settled
(
  writer_id LowCardinality(String) COMMENT 'Origin: the outbox that the records lie in.',
  epoch UInt32 COMMENT 'Origin: rises by one at each opening of that outbox.',
  lane LowCardinality(String) COMMENT 'Origin: the lane of the outbox (predictions, labels, feature_events, batch_predictions).',
  settled_through SimpleAggregateFunction(max, UInt64) COMMENT 'The seq up to which every prediction of that epoch was answered, unless bronze.prediction_fates says otherwise. Of several rows the greatest counts.'
)
ENGINE = AggregatingMergeTree
ORDER BY (writer_id, epoch, lane)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'How far each writer has said what became of its predictions.';

ALTER TABLE bronze.prediction_events
  ADD COLUMN IF NOT EXISTS duration_total_us Nullable(UInt64) COMMENT 'Microseconds from the receipt of the request to the start of the commit; the commit itself an event cannot time.' AFTER duration_inference_us;

-- Attempts repeat each other where this is equal: the caller's request_id alone may stand for several questions.
ALTER TABLE bronze.prediction_events
  ADD COLUMN IF NOT EXISTS question_sha256 Nullable(FixedString(64)) COMMENT 'Equal for requests that ask the same, whichever version answers: over tenant, model, request_id, index, entities, anchor, the anchor_time that was sent, and the features or tensors that were sent. Null where the caller gave no request_id: then nothing repeats it.' AFTER `index`;

CREATE OR REPLACE VIEW silver.predictions
(
  prediction_id UUID COMMENT 'UUIDv7 of this prediction, minted by the gateway; its time is the time of receipt.',
  decision_id UUID COMMENT 'One per accepted instance: shared by its served prediction, its shadows and its replays. Labels resolve to it.',
  tenant LowCardinality(String) COMMENT 'The customer the row belongs to; every key begins with it.',
  payload_hash FixedString(64) COMMENT 'SHA-256 (hexadecimal) over the RFC 8785 form of the event without this field.',
  request_id String COMMENT 'The client\'s id of the request, or ours where none was sent.',
  `index` UInt32 COMMENT 'Position of the instance in its request, from 0.',
  question_sha256 Nullable(FixedString(64)) COMMENT 'Equal for requests that ask the same, whichever version answers: over tenant, model, request_id, index, entities, anchor, the anchor_time that was sent, and the features or tensors that were sent. Null where the caller gave no request_id: then nothing repeats it.',
  idempotency_key Nullable(String) COMMENT 'The Idempotency-Key the client sent; null where none was sent.',
  trace_id Nullable(String) COMMENT 'W3C trace id of the request; null where it was not traced.',
  trigger LowCardinality(String) COMMENT 'What asked for it: api, stream, batch or replay.',
  tags Array(String) COMMENT 'The caller\'s tags, at most 16.',
  model LowCardinality(String) COMMENT 'Name of the model.',
  model_version LowCardinality(String) COMMENT 'Version of the model that computed the outputs.',
  model_sha256 LowCardinality(String) COMMENT 'SHA-256 of the ONNX file.',
  manifest_sha256 LowCardinality(String) COMMENT 'SHA-256 of the version\'s manifest.yaml.',
  model_definition_sha256 LowCardinality(String) COMMENT 'SHA-256 of the canonical form of model.yaml.',
  feature_set_sha256 LowCardinality(String) COMMENT 'Hash over the definitions of every feature the version reads.',
  deployment_revision UInt64 COMMENT 'Revision of deployment.yaml that routed the request.',
  code_version LowCardinality(String) COMMENT 'Version of Hindsight that answered.',
  route LowCardinality(String) COMMENT 'champion, challenger or pinned: answered the client. shadow: only logged.',
  route_probability Float64 COMMENT 'Probability, 0 to 1, with which the router picked this version.',
  execution_provider LowCardinality(String) COMMENT 'ONNX Runtime execution provider, as cpu.',
  entities Map(LowCardinality(String), String) COMMENT 'Role to id of the entities the prediction is about.',
  anchor LowCardinality(String) COMMENT 'The named decision point; request where the model names none.',
  anchor_time DateTime64(3, 'UTC') COMMENT 'Business time the prediction is about: features use what was known at it.',
  features_number Map(LowCardinality(String), Float64) COMMENT 'Feature name to the number the model saw; booleans are 0 and 1. A feature the model saw as missing has no key.',
  features_text Map(LowCardinality(String), String) COMMENT 'Feature name to the text the model saw.',
  feature_source Map(LowCardinality(String), LowCardinality(String)) COMMENT 'Feature name to where it came from: request, online or derived.',
  feature_status Map(LowCardinality(String), LowCardinality(String)) COMMENT 'Feature name to ok, missing, stale or defaulted; has a key for every feature of the version.',
  feature_reason Map(LowCardinality(String), LowCardinality(String)) COMMENT 'Feature name to why its status is not ok, as no_events or anchor_too_old.',
  feature_event_time Map(LowCardinality(String), DateTime64(3, 'UTC')) COMMENT 'Feature name to the event time of the newest event in the value.',
  feature_age_ms Map(LowCardinality(String), Int64) COMMENT 'Feature name to anchor time minus that event time, in milliseconds.',
  feature_definition Map(LowCardinality(String), LowCardinality(String)) COMMENT 'Feature name to the SHA-256 of the definition its value was computed by.',
  features_as_of Array(Tuple(writer_id String, epoch UInt32, seq UInt64)) COMMENT 'Per writer and epoch of the feature_events lane, the last seq the online store had applied when the features were read.',
  inputs Nullable(String) COMMENT 'The tensors a caller of the Open Inference Protocol sent for this row, as JSON: name, datatype, shape and data, or where they are long their sha256, bytes and an excerpt; null where none were sent.',
  status LowCardinality(String) COMMENT 'ok, fallback (the rule of model.yaml answered) or error (nothing was answered).',
  outputs_number Map(LowCardinality(String), Float64) COMMENT 'Output name to its number; booleans are 0 and 1.',
  outputs_text Map(LowCardinality(String), String) COMMENT 'Output name to its text.',
  output_tensors Nullable(String) COMMENT 'The tensors that the model gave for them, in the same form; null where none were sent or nothing was answered.',
  decision_value LowCardinality(Nullable(String)) COMMENT 'The decision taken from the outputs, as text; null where the model takes none.',
  decision_threshold Nullable(Float64) COMMENT 'The threshold the decision compared with; null where there was none.',
  fallback LowCardinality(Nullable(String)) COMMENT 'Name of the fallback that answered; null where the model did.',
  warnings Array(String) COMMENT 'Codes of warnings the client was given.',
  error_code LowCardinality(Nullable(String)) COMMENT 'Code of the error; null where status is ok.',
  fate LowCardinality(Nullable(String)) COMMENT 'What the caller was told: answered (the last byte was given to the kernel of the gateway, or a replay delivered it), unanswered, or unknown (the gateway ended, or has not said yet). Null for shadows and replays, which nobody is told of.',
  unanswered_reason LowCardinality(Nullable(String)) COMMENT 'deadline (it passed in the commit), client_gone (the connection ended first) or error (the caller was told of a failure instead); null unless fate is unanswered.',
  ingested_at DateTime64(3, 'UTC') COMMENT 'When the request was received.',
  features_read_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the online store was read; null where no online feature was needed.',
  predicted_at DateTime64(3, 'UTC') COMMENT 'When the answer was ready.',
  duration_queue_us Nullable(UInt64) COMMENT 'Microseconds spent waiting in queues.',
  duration_features_us Nullable(UInt64) COMMENT 'Microseconds spent assembling features.',
  duration_inference_us Nullable(UInt64) COMMENT 'Microseconds spent in the model.',
  duration_total_us Nullable(UInt64) COMMENT 'Microseconds from the receipt of the request to the start of the commit; the commit itself an event cannot time.',
  subject_id Nullable(String) COMMENT 'Id of the person or thing the prediction is about, for erasure; null where model.yaml names no subject.',
  purposes Array(LowCardinality(String)) COMMENT 'Purposes the prediction may be used for.',
  region LowCardinality(Nullable(String)) COMMENT 'Region the data belongs to; null where the model states none.',
  data_category LowCardinality(Nullable(String)) COMMENT 'Category of the data; null where the model states none.',
  retention_until DateTime64(3, 'UTC') COMMENT 'The row is removed after this time.',
  writer_id LowCardinality(String) COMMENT 'Origin: the outbox that first made the record durable.',
  epoch UInt32 COMMENT 'Origin: rises by one at each opening of that outbox.',
  lane LowCardinality(String) COMMENT 'Origin: the lane of the outbox (predictions, labels, feature_events, batch_predictions).',
  seq UInt64 COMMENT 'Origin: position in the lane, from 1, without gaps within writer_id, epoch and lane.'
)
AS WITH settled AS
(
  SELECT cityHash64(writer_id, epoch) AS hash, max(settled_through) AS through FROM bronze.settled WHERE lane = 'predictions' GROUP BY writer_id, epoch ORDER BY hash
)
SELECT
  prediction_id,
  decision_id,
  tenant,
  payload_hash,
  request_id,
  `index`,
  question_sha256,
  idempotency_key,
  trace_id,
  trigger,
  tags,
  model,
  model_version,
  model_sha256,
  manifest_sha256,
  model_definition_sha256,
  feature_set_sha256,
  deployment_revision,
  code_version,
  route,
  route_probability,
  execution_provider,
  entities,
  anchor,
  anchor_time,
  features_number,
  features_text,
  feature_source,
  feature_status,
  feature_reason,
  feature_event_time,
  feature_age_ms,
  feature_definition,
  features_as_of,
  inputs,
  status,
  outputs_number,
  outputs_text,
  output_tensors,
  decision_value,
  decision_threshold,
  fallback,
  warnings,
  error_code,
  CAST(multiIf(
    route = 'shadow' OR trigger = 'replay' OR lane != 'predictions', NULL,
    (tenant, prediction_id) IN (SELECT tenant, prediction_id FROM bronze.prediction_fates WHERE fate IN ('answered', 'delivered')), 'answered',
    (tenant, prediction_id) IN (SELECT tenant, prediction_id FROM bronze.prediction_fates WHERE fate = 'unanswered'), 'unanswered',
    seq <= transform(
      cityHash64(writer_id, epoch),
      (SELECT arrayPushFront(groupArray(hash), 0) FROM settled),
      (SELECT arrayPushFront(groupArray(through), 0) FROM settled),
      toUInt64(0)), 'answered',
    'unknown'), 'LowCardinality(Nullable(String))') AS fate,
  CAST(multiIf(
    fate != 'unanswered', NULL,
    (tenant, prediction_id) IN (SELECT tenant, prediction_id FROM bronze.prediction_fates WHERE reason = 'deadline'), 'deadline',
    (tenant, prediction_id) IN (SELECT tenant, prediction_id FROM bronze.prediction_fates WHERE reason = 'client_gone'), 'client_gone',
    (tenant, prediction_id) IN (SELECT tenant, prediction_id FROM bronze.prediction_fates WHERE reason = 'error'), 'error',
    NULL), 'LowCardinality(Nullable(String))') AS unanswered_reason,
  ingested_at,
  features_read_at,
  predicted_at,
  duration_queue_us,
  duration_features_us,
  duration_inference_us,
  duration_total_us,
  subject_id,
  purposes,
  region,
  data_category,
  retention_until,
  writer_id,
  epoch,
  lane,
  seq
FROM bronze.prediction_events FINAL
WHERE (tenant, prediction_id, writer_id, epoch, lane, seq, payload_hash) NOT IN
(
  SELECT tenant, prediction_id, writer_id, epoch, lane, seq, payload_hash
  FROM
  (
    SELECT DISTINCT tenant, prediction_id, ingested_at, writer_id, epoch, lane, seq, payload_hash
    FROM bronze.prediction_events
    WHERE cityHash64(tenant, prediction_id) IN (SELECT cityHash64(tenant, prediction_id) AS hash FROM bronze.prediction_events GROUP BY hash HAVING count() > 1)
  )
  ORDER BY ingested_at, writer_id, epoch, lane, seq, payload_hash
  LIMIT 1, 18446744073709551614 BY tenant, prediction_id
)
SETTINGS do_not_merge_across_partitions_select_final = 1
COMMENT 'Every prediction once, with what became of it.';

ALTER TABLE bronze.prediction_events DROP COLUMN IF EXISTS duration_outbox_us;
