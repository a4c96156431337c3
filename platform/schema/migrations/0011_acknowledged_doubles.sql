-- Two payloads under one id that a person has looked at: reconcile shows them apart, and is content.
CREATE TABLE IF NOT EXISTS hindsight.acknowledged_doubles
(
  table_name LowCardinality(String) COMMENT 'Table of bronze.',
  tenant LowCardinality(String) COMMENT 'The customer the id belongs to.',
  id String COMMENT 'The id, as reconcile names it.',
  payload_hashes Array(String) COMMENT 'Hashes of the payloads that stood under the id then. Another one that comes later is not acknowledged.',
  author String COMMENT 'Who acknowledged it.',
  reason String COMMENT 'Why, in their words.',
  acknowledged_at DateTime64(3, 'UTC') COMMENT 'When.'
)
ENGINE = ReplacingMergeTree
ORDER BY (table_name, tenant, id, acknowledged_at, author, reason, payload_hashes)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Acknowledgements of ids under which two payloads stand, by hindsight reconcile acknowledge.';

-- Most new ids of labels are in no granule: their lookup reads this, and no data.
ALTER TABLE bronze.label_events ADD INDEX IF NOT EXISTS by_label_id label_id TYPE bloom_filter(0.01) GRANULARITY 1;
