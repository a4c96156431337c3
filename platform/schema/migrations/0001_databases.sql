-- Layers by meaning: bronze is what arrived, silver what it means, gold what to start from. Parameterised views
-- live apart in asof, because BI tools cannot sync them.
CREATE DATABASE IF NOT EXISTS bronze COMMENT 'What arrived, one row per outbox record.';
CREATE DATABASE IF NOT EXISTS silver COMMENT 'What it means: each id once.';
CREATE DATABASE IF NOT EXISTS gold COMMENT 'Start here: predictions with their outcomes, typed views per model, evaluations.';
CREATE DATABASE IF NOT EXISTS asof COMMENT 'Views with a time as parameter: the past as it was known then.';
