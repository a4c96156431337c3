-- A role for analysts: what things mean (silver, gold, asof), and never raw payloads.
CREATE ROLE IF NOT EXISTS hindsight_reader;
GRANT SELECT ON silver.* TO hindsight_reader;
GRANT SELECT ON gold.* TO hindsight_reader;
GRANT SELECT ON asof.* TO hindsight_reader;
-- Views read with the rights of whoever asks, so that row policies hold; raw payloads and rejects stay closed.
GRANT SELECT ON bronze.prediction_events TO hindsight_reader;
GRANT SELECT ON bronze.label_events TO hindsight_reader;
GRANT SELECT ON bronze.feature_events TO hindsight_reader;

CREATE SETTINGS PROFILE IF NOT EXISTS hindsight_reader_limits
SETTINGS readonly = 2, max_execution_time = 60 MAX 300, max_memory_usage = 4000000000 MAX 8000000000, max_result_rows = 10000000 MAX 100000000, allow_ddl = 0 CONST
TO hindsight_reader;

CREATE QUOTA IF NOT EXISTS hindsight_reader_quota KEYED BY user_name
FOR INTERVAL 1 minute MAX queries = 600, errors = 100, execution_time = 300
TO hindsight_reader;

-- One policy per tenant: a user named tenant_<tenant> with this role sees that tenant's rows.
CREATE ROLE IF NOT EXISTS hindsight_tenant_reader;
GRANT hindsight_reader TO hindsight_tenant_reader;
CREATE ROW POLICY IF NOT EXISTS hindsight_own_predictions ON bronze.prediction_events FOR SELECT USING concat('tenant_', tenant) = currentUser() TO hindsight_tenant_reader;
CREATE ROW POLICY IF NOT EXISTS hindsight_own_labels ON bronze.label_events FOR SELECT USING concat('tenant_', tenant) = currentUser() TO hindsight_tenant_reader;
CREATE ROW POLICY IF NOT EXISTS hindsight_own_feature_events ON bronze.feature_events FOR SELECT USING concat('tenant_', tenant) = currentUser() TO hindsight_tenant_reader;

-- Without this, a row policy for one role hides every row from all other users of the table.
CREATE ROW POLICY IF NOT EXISTS hindsight_all_predictions ON bronze.prediction_events FOR SELECT USING 1 TO ALL EXCEPT hindsight_tenant_reader;
CREATE ROW POLICY IF NOT EXISTS hindsight_all_labels ON bronze.label_events FOR SELECT USING 1 TO ALL EXCEPT hindsight_tenant_reader;
CREATE ROW POLICY IF NOT EXISTS hindsight_all_feature_events ON bronze.feature_events FOR SELECT USING 1 TO ALL EXCEPT hindsight_tenant_reader;
