-- What was in force when: an as-of time is told by the definitions of that time.
CREATE TABLE IF NOT EXISTS silver.definitions
(
  kind LowCardinality(String) COMMENT 'label, model or feature_view.',
  name LowCardinality(String) COMMENT 'Name of the label, model or feature view.',
  in_force_from DateTime64(3, 'UTC') COMMENT 'When it came into force; 1900-01-01 of definitions from before they were recorded, which count as always in force. It ends where the next row of its kind and name begins.',
  definition_sha256 String COMMENT 'SHA-256 (hexadecimal) over the RFC 8785 form of the definition; empty where the row says that the project has it no more.',
  definition String COMMENT 'The whole definition, as JSON; empty where the row says that the project has it no more.'
)
ENGINE = ReplacingMergeTree
ORDER BY (kind, name, in_force_from, definition_sha256)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Definitions of labels, models and feature views that have been in force.';

INSERT INTO silver.definitions (kind, name, in_force_from, definition_sha256, definition)
SELECT
  'label', label,
  if(row_number() OVER (PARTITION BY label ORDER BY synced_at) = 1, toDateTime64('1900-01-01 00:00:00', 3, 'UTC'), synced_at),
  toString(definition_sha256), definition
FROM silver.label_definitions;

CREATE OR REPLACE VIEW silver.label_definitions
(
  label LowCardinality(String) COMMENT 'Name of the label.',
  definition_sha256 String COMMENT 'SHA-256 (hexadecimal) over the RFC 8785 form of the definition.',
  synced_at DateTime64(3, 'UTC') COMMENT 'When this definition came into force; the newest row of a label is the current one.',
  type LowCardinality(String) COMMENT 'binary, number or category.',
  unit Nullable(String) COMMENT 'Unit of a number; null where it has none.',
  match LowCardinality(String) COMMENT 'How a target finds its decisions: exact or window.',
  window_seconds Nullable(UInt64) COMMENT 'Width of the window before event_time, in seconds; null where the match is exact.',
  which LowCardinality(String) COMMENT 'Which of several matching decisions of a model and anchor counts: first, last or all.',
  maturity_seconds UInt64 COMMENT 'A decision is mature this many seconds after its anchor time.',
  silence LowCardinality(String) COMMENT 'What it means when a mature decision has no label: negative or unknown.',
  description String COMMENT 'What the outcome means.',
  owner LowCardinality(String) COMMENT 'Who answers for the definition.',
  definition String COMMENT 'The whole definition, as JSON.'
)
AS SELECT
  name AS label,
  definition_sha256,
  in_force_from AS synced_at,
  JSONExtractString(definition, 'type') AS type,
  JSONExtract(definition, 'unit', 'Nullable(String)') AS unit,
  JSONExtractString(definition, 'match', 'kind') AS match,
  JSONExtract(definition, 'match', 'window_seconds', 'Nullable(UInt64)') AS window_seconds,
  JSONExtractString(definition, 'which') AS which,
  JSONExtractUInt(definition, 'maturity_seconds') AS maturity_seconds,
  JSONExtractString(definition, 'silence') AS silence,
  JSONExtractString(definition, 'description') AS description,
  JSONExtractString(definition, 'owner') AS owner,
  definition
FROM silver.definitions FINAL
WHERE kind = 'label' AND definition != ''
COMMENT 'Label definitions that have been in force, with their fields as columns.';

-- Runs were recorded from 0005 on: what the other lanes held by then, as 0007 did for feature events.
INSERT INTO bronze.delivered (writer_id, epoch, lane, first_seq, last_seq, expires_at)
SELECT writer_id, epoch, lane, min(seq), max(seq), NULL
FROM
(
  SELECT writer_id, epoch, lane, seq, seq - row_number() OVER (PARTITION BY writer_id, epoch, lane ORDER BY seq) AS run
  FROM
  (
    SELECT DISTINCT writer_id, epoch, lane, seq FROM
    (
      SELECT writer_id, epoch, lane, seq FROM bronze.prediction_events
      UNION ALL SELECT writer_id, epoch, lane, seq FROM bronze.prediction_fates
      UNION ALL SELECT writer_id, epoch, lane, seq FROM bronze.label_events
      UNION ALL SELECT writer_id, epoch, lane, seq FROM bronze.rejects
      UNION ALL SELECT writer_id, epoch, lane, seq FROM bronze.seals
    )
    WHERE lane != 'feature_events'
  )
)
GROUP BY writer_id, epoch, lane, run;

CREATE OR REPLACE VIEW hindsight.delivered_through
(
  writer_id LowCardinality(String) COMMENT 'Origin: the outbox that first made the records durable.',
  epoch UInt32 COMMENT 'Origin: rises by one at each opening of that outbox.',
  lane LowCardinality(String) COMMENT 'Origin: the lane of the outbox (predictions, labels, feature_events, batch_predictions).',
  through UInt64 COMMENT 'The seq up to which every record has been stored or rejected; 0 where the first is missing.'
)
AS SELECT
  writer_id, epoch, lane,
  if(min(first_seq) > 1, toUInt64(0), ifNull(minOrNullIf(before, first_seq > before + 1), max(last_seq))) AS through
FROM
(
  SELECT
    writer_id, epoch, lane, first_seq, last_seq,
    max(last_seq) OVER (PARTITION BY writer_id, epoch, lane ORDER BY first_seq, last_seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
  FROM bronze.delivered
)
GROUP BY writer_id, epoch, lane
COMMENT 'How far the warehouse has each lane without a gap.';

-- A writer's seal says that what it had recorded by then is all there, once all before it is stored. A request that was under way may
-- still be recorded with a stamp of before: a seal covers what lies a minute before it.
CREATE OR REPLACE VIEW asof.open_lanes AS
SELECT known.writer_id AS writer_id, known.lane AS lane, if(covered.writer_id = '', NULL, toNullable(covered.through)) AS covered_through
FROM
(
  SELECT DISTINCT writer_id, lane FROM hindsight.delivered_through WHERE lane IN ('predictions', 'batch_predictions', 'labels')
) AS known
LEFT JOIN
(
  SELECT seal.writer_id AS writer_id, seal.lane AS lane, max(seal.sealed_at) - INTERVAL 1 MINUTE AS through
  FROM bronze.seals AS seal
  INNER JOIN hindsight.delivered_through AS stored USING (writer_id, epoch, lane)
  WHERE seal.seq <= stored.through
  GROUP BY writer_id, lane
) AS covered ON covered.writer_id = known.writer_id AND covered.lane = known.lane
WHERE isNull(covered_through) OR covered_through < {as_of:DateTime64(3, 'UTC')}
COMMENT 'Lanes of writers of which records from before as_of may still come, by the writers\' own clocks. Where there is none, what asof.outcomes says at as_of is final.';

ALTER TABLE gold.evaluations
  ADD COLUMN IF NOT EXISTS clock LowCardinality(String) DEFAULT 'known_as_of' COMMENT 'as_of: outcomes as they were told at that time, of what had been recorded. known_as_of: what was known later about what could be known then.' AFTER as_of,
  ADD COLUMN IF NOT EXISTS label_definition_sha256 String COMMENT 'The definition of the label that was used, by its hash in silver.definitions; empty in evaluations from before definitions were recorded.' AFTER clock,
  ADD COLUMN IF NOT EXISTS model_definition_sha256 String COMMENT 'The definition of the model that was used, likewise.' AFTER label_definition_sha256;
