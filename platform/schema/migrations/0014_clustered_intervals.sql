-- What the interval of a metric is clustered by, and the figures that evaluations have.
ALTER TABLE gold.evaluations
  ADD COLUMN IF NOT EXISTS clustered_by LowCardinality(Nullable(String)) COMMENT 'What rows may share so that the interval still holds: rows (nothing, they are independent), day, entity, or entity_and_day. Null where there is no interval, and in evaluations from before it was recorded, whose rows counted as independent.' AFTER method,
  ADD COLUMN IF NOT EXISTS clusters Nullable(UInt64) COMMENT 'The fewest clusters of these; the degrees of freedom are one fewer.' AFTER clustered_by,
  ADD COLUMN IF NOT EXISTS scope LowCardinality(Nullable(String)) COMMENT 'What the interval speaks of: days_to_come, or these_days alone, where there are fewer than 5.' AFTER clusters,
  COMMENT COLUMN metric 'label_coverage; of two classes roc_auc, pr_auc, log_loss, brier, ece, calibration_slope, calibration_intercept, and at the threshold precision, recall, f1, accuracy and cost; of several accuracy, log_loss, top_class_ece, macro_precision, macro_recall, macro_f1, and of each precision, recall and f1; of numbers mae, rmse, bias, r2, a quantile of the error, pinball_loss and quantile_coverage.',
  COMMENT COLUMN class 'Of several classes, the one that precision, recall or F1 is about; null otherwise.',
  COMMENT COLUMN method 'How the interval was computed: delong, t, logit, log, wilson, order_statistics or woodruff; without one, why: none (there is no figure), too_few_clusters, too_near_the_limit, not_computed or overflow.';
