-- bronze.delivered came after the first records: what the feature_events lane held by then, as runs without gaps, so that
-- how far the warehouse has that lane can be told from the runs alone.
INSERT INTO bronze.delivered (writer_id, epoch, lane, first_seq, last_seq, expires_at)
SELECT writer_id, epoch, lane, min(seq), max(seq), NULL
FROM
(
  SELECT writer_id, epoch, lane, seq, seq - row_number() OVER (PARTITION BY writer_id, epoch ORDER BY seq) AS run
  FROM
  (
    SELECT DISTINCT writer_id, epoch, lane, seq FROM
    (
      SELECT writer_id, epoch, lane, seq FROM bronze.feature_events
      UNION ALL SELECT writer_id, epoch, lane, seq FROM bronze.rejects
      UNION ALL SELECT writer_id, epoch, lane, seq FROM bronze.seals
    )
    WHERE lane = 'feature_events'
  )
)
GROUP BY writer_id, epoch, lane, run;
