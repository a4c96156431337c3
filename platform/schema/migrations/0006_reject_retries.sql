-- A reject stays as it arrived; what was done about it stands here, one row per attempt.
CREATE TABLE IF NOT EXISTS hindsight.reject_retries
(
  writer_id LowCardinality(String) COMMENT 'Origin of the reject: the outbox that first made the record durable.',
  epoch UInt32 COMMENT 'Origin of the reject: rises by one at each opening of that outbox.',
  lane LowCardinality(String) COMMENT 'Origin of the reject: the lane of the outbox.',
  seq UInt64 COMMENT 'Origin of the reject: position in the lane.',
  outcome LowCardinality(String) COMMENT 'accepted: the gateway took the item. stored: the record parses now and was stored. refused: neither, and code says why.',
  event_id String COMMENT 'Id under which the item was sent or the record stored; empty where refused.',
  code LowCardinality(String) COMMENT 'Error code where refused, otherwise empty.',
  message String COMMENT 'Why it was refused, otherwise empty.',
  retried_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When it was tried.'
)
ENGINE = MergeTree
ORDER BY (writer_id, epoch, lane, seq, retried_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'What `hindsight rejects retry` did about bronze.rejects. Only ever added to.';
