-- What `hindsight reconcile` has read of bronze, so that it need not read it again: a part never changes, and is known by
-- its name and checksum.
CREATE TABLE IF NOT EXISTS hindsight.reconciled_parts
(
  table_name LowCardinality(String) COMMENT 'Table of bronze.',
  part String COMMENT 'Name of the part that was read.',
  checksum String COMMENT 'Hash of all files of the part, as system.parts gives it.',
  partition_id LowCardinality(String) COMMENT 'Partition of the part.',
  min_block Int64 COMMENT 'Number of the first insert in the part.',
  max_block Int64 COMMENT 'Number of the last insert in the part.',
  writer_id LowCardinality(String) COMMENT 'Origin of the records: the outbox that first made them durable.',
  epoch UInt32 COMMENT 'Origin of the records: rises by one at each opening of that outbox.',
  lane LowCardinality(String) COMMENT 'Origin of the records: the lane of the outbox.',
  hour DateTime64(3, 'UTC') COMMENT 'Hour in which the outbox appended the records.',
  seqs AggregateFunction(groupBitmap, UInt64) COMMENT 'Positions in the lane of the records of that hour in the part.',
  first_seq UInt64 COMMENT 'The smallest of them.',
  last_seq UInt64 COMMENT 'The greatest of them.',
  read_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the part was read.'
)
ENGINE = ReplacingMergeTree
ORDER BY (table_name, part, checksum, writer_id, epoch, lane, hour)
TTL read_at + INTERVAL 2 DAY
COMMENT 'Parts of bronze that reconcile has read, one row per part, stream and hour. Can be emptied at any time: then all is read again.';

CREATE TABLE IF NOT EXISTS hindsight.reconciled_doubles
(
  table_name LowCardinality(String) COMMENT 'Table of bronze.',
  key_hash UInt64 COMMENT 'cityHash64 of the key of an id under which two payloads were seen, or of one that shares its hash.',
  found_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When it was found.'
)
ENGINE = ReplacingMergeTree
ORDER BY (table_name, key_hash)
COMMENT 'Ids to look at in each run of reconcile, because two payloads were seen under one of them.';
