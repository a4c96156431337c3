-- Raw payloads stand apart: wide, rarely read, kept for a shorter time, and not granted to analysts. They keep what a
-- later schema version added and this build does not know.

CREATE TABLE IF NOT EXISTS bronze.prediction_payloads
(
  tenant LowCardinality(String) COMMENT 'The customer the row belongs to; every key begins with it.',
  prediction_id UUID COMMENT 'prediction_id of the event.',
  payload_hash FixedString(64) COMMENT 'payload_hash of the event.',
  retention_until DateTime64(3, 'UTC') COMMENT 'The row is removed after this time, or 90 days after appended_at if that is earlier.',
  payload String COMMENT 'The event\'s JSON, byte for byte as the outbox holds it.' CODEC(ZSTD(3)),
  writer_id LowCardinality(String) COMMENT 'Origin: the outbox that first made the record durable.',
  epoch UInt32 COMMENT 'Origin: rises by one at each opening of that outbox.',
  lane LowCardinality(String) COMMENT 'Origin: the lane of the outbox (predictions, labels, feature_events, batch_predictions).',
  seq UInt64 COMMENT 'Origin: position in the lane, from 1, without gaps within writer_id, epoch and lane.',
  appended_at DateTime64(3, 'UTC') COMMENT 'When the outbox appended the record, by the writer\'s clock.',
  stored_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the logger inserted the row; differs between redeliveries, so it is no part of any key.'
)
ENGINE = ReplacingMergeTree
PARTITION BY toDate(appended_at)
ORDER BY (tenant, prediction_id, payload_hash, writer_id, epoch, seq)
TTL least(retention_until, appended_at + INTERVAL 90 DAY)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Raw JSON of the prediction events, byte for byte, for a limited time.';

CREATE TABLE IF NOT EXISTS bronze.label_payloads
(
  tenant LowCardinality(String) COMMENT 'The customer the row belongs to; every key begins with it.',
  label_id String COMMENT 'label_id of the event.',
  payload_hash FixedString(64) COMMENT 'payload_hash of the event.',
  payload String COMMENT 'The event\'s JSON, byte for byte as the outbox holds it.' CODEC(ZSTD(3)),
  writer_id LowCardinality(String) COMMENT 'Origin: the outbox that first made the record durable.',
  epoch UInt32 COMMENT 'Origin: rises by one at each opening of that outbox.',
  lane LowCardinality(String) COMMENT 'Origin: the lane of the outbox (predictions, labels, feature_events, batch_predictions).',
  seq UInt64 COMMENT 'Origin: position in the lane, from 1, without gaps within writer_id, epoch and lane.',
  appended_at DateTime64(3, 'UTC') COMMENT 'When the outbox appended the record, by the writer\'s clock.',
  stored_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the logger inserted the row; differs between redeliveries, so it is no part of any key.'
)
ENGINE = ReplacingMergeTree
PARTITION BY toDate(appended_at)
ORDER BY (tenant, label_id, payload_hash, writer_id, epoch, seq)
TTL appended_at + INTERVAL 90 DAY
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Raw JSON of the label events, byte for byte, for a limited time.';

CREATE TABLE IF NOT EXISTS bronze.feature_payloads
(
  tenant LowCardinality(String) COMMENT 'The customer the row belongs to; every key begins with it.',
  event_id String COMMENT 'event_id of the event.',
  payload_hash FixedString(64) COMMENT 'payload_hash of the event.',
  payload String COMMENT 'The event\'s JSON, byte for byte as the outbox holds it.' CODEC(ZSTD(3)),
  writer_id LowCardinality(String) COMMENT 'Origin: the outbox that first made the record durable.',
  epoch UInt32 COMMENT 'Origin: rises by one at each opening of that outbox.',
  lane LowCardinality(String) COMMENT 'Origin: the lane of the outbox (predictions, labels, feature_events, batch_predictions).',
  seq UInt64 COMMENT 'Origin: position in the lane, from 1, without gaps within writer_id, epoch and lane.',
  appended_at DateTime64(3, 'UTC') COMMENT 'When the outbox appended the record, by the writer\'s clock.',
  stored_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the logger inserted the row; differs between redeliveries, so it is no part of any key.'
)
ENGINE = ReplacingMergeTree
PARTITION BY toDate(appended_at)
ORDER BY (tenant, event_id, payload_hash, writer_id, epoch, seq)
TTL appended_at + INTERVAL 30 DAY
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Raw JSON of the feature events, byte for byte, for a limited time.';
