-- Each id once: FINAL folds redeliveries of one record; of several records under one id the first by
-- (ingested_at, writer_id, epoch, seq) stands, and the others, which are few, are looked up and left out: first by a
-- hash, which groups several times as fast as the ids do, then exactly. Filters reach the table beneath, because the main
-- scan neither sorts nor groups.

CREATE OR REPLACE VIEW silver.predictions
(
  prediction_id UUID COMMENT 'UUIDv7 of this prediction, minted by the gateway; its time is the time of receipt.',
  decision_id UUID COMMENT 'One per accepted instance: shared by its served prediction, its shadows and its replays. Labels resolve to it.',
  tenant LowCardinality(String) COMMENT 'The customer the row belongs to; every key begins with it.',
  payload_hash FixedString(64) COMMENT 'SHA-256 (hexadecimal) over the RFC 8785 form of the event without this field.',
  request_id String COMMENT 'The client\'s id of the request, or ours where none was sent.',
  `index` UInt32 COMMENT 'Position of the instance in its request, from 0.',
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
  status LowCardinality(String) COMMENT 'ok, fallback (the rule of model.yaml answered) or error (nothing was answered).',
  outputs_number Map(LowCardinality(String), Float64) COMMENT 'Output name to its number; booleans are 0 and 1.',
  outputs_text Map(LowCardinality(String), String) COMMENT 'Output name to its text.',
  decision_value LowCardinality(Nullable(String)) COMMENT 'The decision taken from the outputs, as text; null where the model takes none.',
  decision_threshold Nullable(Float64) COMMENT 'The threshold the decision compared with; null where there was none.',
  fallback LowCardinality(Nullable(String)) COMMENT 'Name of the fallback that answered; null where the model did.',
  warnings Array(String) COMMENT 'Codes of warnings the client was given.',
  error_code LowCardinality(Nullable(String)) COMMENT 'Code of the error; null where status is ok.',
  ingested_at DateTime64(3, 'UTC') COMMENT 'When the request was received.',
  features_read_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the online store was read; null where no online feature was needed.',
  predicted_at DateTime64(3, 'UTC') COMMENT 'When the answer was ready.',
  duration_queue_us Nullable(UInt64) COMMENT 'Microseconds spent waiting in queues.',
  duration_features_us Nullable(UInt64) COMMENT 'Microseconds spent assembling features.',
  duration_inference_us Nullable(UInt64) COMMENT 'Microseconds spent in the model.',
  duration_outbox_us Nullable(UInt64) COMMENT 'Microseconds until the event was durable; null where the event itself could not know it.',
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
AS SELECT
  prediction_id,
  decision_id,
  tenant,
  payload_hash,
  request_id,
  `index`,
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
  status,
  outputs_number,
  outputs_text,
  decision_value,
  decision_threshold,
  fallback,
  warnings,
  error_code,
  ingested_at,
  features_read_at,
  predicted_at,
  duration_queue_us,
  duration_features_us,
  duration_inference_us,
  duration_outbox_us,
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
COMMENT 'Every prediction once.';

CREATE OR REPLACE VIEW silver.labels
(
  label_id String COMMENT 'Id of this statement, the client\'s or ours.',
  tenant LowCardinality(String) COMMENT 'The customer the row belongs to; every key begins with it.',
  payload_hash FixedString(64) COMMENT 'SHA-256 (hexadecimal) over the RFC 8785 form of the validated client fields.',
  label LowCardinality(String) COMMENT 'Name of the label definition.',
  prediction_id Nullable(UUID) COMMENT 'Target: a prediction; null where the target is named otherwise.',
  request_id Nullable(String) COMMENT 'Target: a request; null where the target is named otherwise.',
  `index` Nullable(UInt32) COMMENT 'Target: the instance within request_id; null means every instance.',
  entities Map(LowCardinality(String), String) COMMENT 'Target: role to id of the entities; empty where the target is named otherwise.',
  anchor LowCardinality(Nullable(String)) COMMENT 'Target: the named decision point; null means any.',
  anchor_time Nullable(DateTime64(3, 'UTC')) COMMENT 'Target: the anchor time of the decision; null where matching goes by window or id.',
  value_number Nullable(Float64) COMMENT 'The outcome as a number (0 or 1 for binary labels); null for categories and retractions.',
  value_text Nullable(String) COMMENT 'The outcome as a category; null for numbers.',
  event_time DateTime64(3, 'UTC') COMMENT 'Business time: when the outcome happened.',
  known_at DateTime64(3, 'UTC') COMMENT 'When the outcome could first be known. Leakage is judged by this clock.',
  ingested_at DateTime64(3, 'UTC') COMMENT 'When the label was received.',
  source_kind LowCardinality(String) COMMENT 'Strength of the source: outcome, human, proxy, teacher or weak, strongest first.',
  source_name LowCardinality(String) COMMENT 'Name of the source within its kind.',
  source_labeler Nullable(String) COMMENT 'Who labelled it; null where unknown.',
  confidence Nullable(Float64) COMMENT 'Confidence of the source, 0 to 1; null where not given.',
  supersedes Nullable(String) COMMENT 'label_id of the statement this one replaces; null where it replaces none.',
  retracted Bool COMMENT 'True where this statement withdraws the outcome.',
  tags Array(String) COMMENT 'The caller\'s tags.',
  writer_id LowCardinality(String) COMMENT 'Origin: the outbox that first made the record durable.',
  epoch UInt32 COMMENT 'Origin: rises by one at each opening of that outbox.',
  lane LowCardinality(String) COMMENT 'Origin: the lane of the outbox (predictions, labels, feature_events, batch_predictions).',
  seq UInt64 COMMENT 'Origin: position in the lane, from 1, without gaps within writer_id, epoch and lane.'
)
AS SELECT
  label_id,
  tenant,
  payload_hash,
  label,
  prediction_id,
  request_id,
  `index`,
  entities,
  anchor,
  anchor_time,
  value_number,
  value_text,
  event_time,
  known_at,
  ingested_at,
  source_kind,
  source_name,
  source_labeler,
  confidence,
  supersedes,
  retracted,
  tags,
  writer_id,
  epoch,
  lane,
  seq
FROM bronze.label_events FINAL
WHERE (tenant, label_id, writer_id, epoch, lane, seq, payload_hash) NOT IN
(
  SELECT tenant, label_id, writer_id, epoch, lane, seq, payload_hash
  FROM
  (
    SELECT DISTINCT tenant, label_id, ingested_at, writer_id, epoch, lane, seq, payload_hash
    FROM bronze.label_events
    WHERE cityHash64(tenant, label_id) IN (SELECT cityHash64(tenant, label_id) AS hash FROM bronze.label_events GROUP BY hash HAVING count() > 1)
  )
  ORDER BY ingested_at, writer_id, epoch, lane, seq, payload_hash
  LIMIT 1, 18446744073709551614 BY tenant, label_id
)
SETTINGS do_not_merge_across_partitions_select_final = 1
COMMENT 'The label ledger: every statement about an outcome once. Append-only; corrections are rows of their own.';

CREATE OR REPLACE VIEW silver.feature_events
(
  event_id String COMMENT 'Id of the fact, the client\'s or ours.',
  tenant LowCardinality(String) COMMENT 'The customer the row belongs to; every key begins with it.',
  payload_hash FixedString(64) COMMENT 'SHA-256 (hexadecimal) over the RFC 8785 form of source and validated client fields.',
  source LowCardinality(String) COMMENT 'Name of the event source.',
  keys Map(LowCardinality(String), String) COMMENT 'Key name to the id of the entity the fact is about.',
  values_number Map(LowCardinality(String), Float64) COMMENT 'Value name to its number; booleans are 0 and 1. A value that was not sent has no key.',
  values_text Map(LowCardinality(String), String) COMMENT 'Value name to its text.',
  event_time DateTime64(3, 'UTC') COMMENT 'Business time: when it happened.',
  known_at DateTime64(3, 'UTC') COMMENT 'When it could first be known. A feature at an anchor uses only what was known by then.',
  ingested_at DateTime64(3, 'UTC') COMMENT 'When the event was received.',
  retracts Nullable(String) COMMENT 'event_id of the fact this one withdraws, from its own known_at on; null where it withdraws none.',
  writer_id LowCardinality(String) COMMENT 'Origin: the outbox that first made the record durable.',
  epoch UInt32 COMMENT 'Origin: rises by one at each opening of that outbox.',
  lane LowCardinality(String) COMMENT 'Origin: the lane of the outbox (predictions, labels, feature_events, batch_predictions).',
  seq UInt64 COMMENT 'Origin: position in the lane, from 1, without gaps within writer_id, epoch and lane.'
)
AS SELECT
  event_id,
  tenant,
  payload_hash,
  source,
  keys,
  values_number,
  values_text,
  event_time,
  known_at,
  ingested_at,
  retracts,
  writer_id,
  epoch,
  lane,
  seq
FROM bronze.feature_events FINAL
WHERE (tenant, source, event_id, writer_id, epoch, lane, seq, payload_hash) NOT IN
(
  SELECT tenant, source, event_id, writer_id, epoch, lane, seq, payload_hash
  FROM
  (
    SELECT DISTINCT tenant, source, event_id, ingested_at, writer_id, epoch, lane, seq, payload_hash
    FROM bronze.feature_events
    WHERE cityHash64(tenant, source, event_id) IN (SELECT cityHash64(tenant, source, event_id) AS hash FROM bronze.feature_events GROUP BY hash HAVING count() > 1)
  )
  ORDER BY ingested_at, writer_id, epoch, lane, seq, payload_hash
  LIMIT 1, 18446744073709551614 BY tenant, source, event_id
)
SETTINGS do_not_merge_across_partitions_select_final = 1
COMMENT 'Every fact that features are computed from once.';
