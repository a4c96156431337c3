-- What the logger has stored once, so that a row whose retention has passed can be told from one that never came. Ranges
-- of two deliveries may overlap, never contradict: what they cover together is what counts.
CREATE TABLE IF NOT EXISTS bronze.delivered
(
  writer_id LowCardinality(String) COMMENT 'Origin: the outbox that first made the records durable.',
  epoch UInt32 COMMENT 'Origin: rises by one at each opening of that outbox.',
  lane LowCardinality(String) COMMENT 'Origin: the lane of the outbox (predictions, labels, feature_events, batch_predictions).',
  first_seq UInt64 COMMENT 'First seq of a run of records without gaps that was stored.',
  last_seq UInt64 COMMENT 'Last seq of that run.',
  expires_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Start of the hour in which the records\' retention ends; null where they are kept without limit.',
  stored_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the logger inserted the row; differs between redeliveries, so it is no part of any key.'
)
ENGINE = ReplacingMergeTree
PARTITION BY lane
ORDER BY (writer_id, epoch, lane, first_seq, last_seq)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Runs of records that the logger has stored, written after their rows: how reconcile knows what has expired.';
