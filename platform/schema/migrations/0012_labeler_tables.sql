-- What the labeler writes. As in the ledger, rows are only ever added, and none of them is needed to compute an outcome again.
CREATE TABLE IF NOT EXISTS silver.label_definitions
(
  label LowCardinality(String) COMMENT 'Name of the label.',
  definition_sha256 FixedString(64) COMMENT 'SHA-256 (hexadecimal) over the RFC 8785 form of the definition.',
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
ENGINE = MergeTree
ORDER BY (label, synced_at)
COMMENT 'Label definitions that have been in force, newest last.';

CREATE TABLE IF NOT EXISTS gold.evaluations
(
  evaluation_id UUID COMMENT 'One evaluation of one model: all its groups and metrics share it.',
  evaluated_at DateTime64(3, 'UTC') COMMENT 'When it was computed.',
  result_sha256 FixedString(64) COMMENT 'Equal for evaluations that say the same, whenever they were made.',
  model LowCardinality(String) COMMENT 'Name of the model.',
  label LowCardinality(String) COMMENT 'Label the model was judged by.',
  as_of DateTime64(3, 'UTC') COMMENT 'Outcomes count as they were known at this time.',
  anchor_from Nullable(DateTime64(3, 'UTC')) COMMENT 'Earliest anchor time that counts, included; null where there is no bound.',
  anchor_to Nullable(DateTime64(3, 'UTC')) COMMENT 'Latest anchor time that counts, excluded; null where there is no bound.',
  grouped_by LowCardinality(String) COMMENT 'What the groups are told apart by, as model_version,route,anchor.',
  model_version LowCardinality(Nullable(String)) COMMENT 'The group: version; null where versions were taken together.',
  route LowCardinality(Nullable(String)) COMMENT 'The group: champion, challenger, pinned or shadow; null where routes were taken together.',
  anchor LowCardinality(String) COMMENT 'The group: the decision point. Groups never span several.',
  day Nullable(Date32) COMMENT 'The group: UTC day of the anchor time; null where days were taken together.',
  predictions UInt64 COMMENT 'Predictions in the group that count.',
  unanswered UInt64 COMMENT 'Beside them, those left out because their caller was told nothing.',
  repeated UInt64 COMMENT 'Beside them, those left out because another attempt at the same question counts.',
  errors UInt64 COMMENT 'Of them, those with status error or without the score: never scored.',
  labeled UInt64 COMMENT 'Of the predictions, those whose outcome is labeled.',
  negative UInt64 COMMENT 'Of the predictions, those whose silence means no.',
  pending UInt64 COMMENT 'Of the predictions, those whose outcome may still come.',
  expired UInt64 COMMENT 'Of the predictions, those whose outcome stayed unknown.',
  conflicted UInt64 COMMENT 'Of the predictions, those whose sources disagree.',
  retracted UInt64 COMMENT 'Of the predictions, those whose labels were all withdrawn.',
  immature UInt64 COMMENT 'Of the predictions, those that are labeled but not mature, left out because silence means no.',
  metric LowCardinality(String) COMMENT 'label_coverage, roc_auc, pr_auc, log_loss, brier, ece, precision, recall, accuracy, macro_precision, macro_recall, macro_f1, mae, rmse, bias or an error quantile.',
  class LowCardinality(Nullable(String)) COMMENT 'Of several classes, the one that precision or recall is about; null otherwise.',
  value Nullable(Float64) COMMENT 'The metric; null where it is undefined, as the ROC AUC of one class.',
  n UInt64 COMMENT 'Predictions the metric is computed from; for precision and recall, its denominator.',
  coverage Nullable(Float64) COMMENT 'Scored predictions with a usable outcome, as a share of all scored predictions.',
  lower Nullable(Float64) COMMENT 'Lower end of the interval; null where there is none.',
  upper Nullable(Float64) COMMENT 'Upper end of the interval; null where there is none.',
  level Float64 COMMENT 'Confidence level of the interval, as 0.95.',
  method LowCardinality(String) COMMENT 'How the interval was computed, as delong or wilson; without one, why: none (too few rows), too_near_the_limit, not_computed or overflow.'
)
ENGINE = MergeTree
ORDER BY (model, evaluated_at, evaluation_id)
COMMENT 'Evaluations that were saved, one row per group and metric.';

-- A warehouse in which the labeler has made its tables itself may lack the newest columns and comments.
ALTER TABLE gold.evaluations
  ADD COLUMN IF NOT EXISTS class LowCardinality(Nullable(String)) COMMENT 'Of several classes, the one that precision or recall is about; null otherwise.' AFTER metric,
  ADD COLUMN IF NOT EXISTS unanswered UInt64 COMMENT 'Beside them, those left out because their caller was told nothing.' AFTER predictions,
  ADD COLUMN IF NOT EXISTS repeated UInt64 COMMENT 'Beside them, those left out because another attempt at the same question counts.' AFTER unanswered,
  COMMENT COLUMN predictions 'Predictions in the group that count.',
  COMMENT COLUMN metric 'label_coverage, roc_auc, pr_auc, log_loss, brier, ece, precision, recall, accuracy, macro_precision, macro_recall, macro_f1, mae, rmse, bias or an error quantile.',
  COMMENT COLUMN method 'How the interval was computed, as delong or wilson; without one, why: none (too few rows), too_near_the_limit, not_computed or overflow.';
