-- silver.predictions reads these too.
GRANT SELECT ON bronze.prediction_fates TO hindsight_reader;
GRANT SELECT ON bronze.settled TO hindsight_reader;
CREATE ROW POLICY IF NOT EXISTS hindsight_own_fates ON bronze.prediction_fates FOR SELECT USING concat('tenant_', tenant) = currentUser() TO hindsight_tenant_reader;
CREATE ROW POLICY IF NOT EXISTS hindsight_all_fates ON bronze.prediction_fates FOR SELECT USING 1 TO ALL EXCEPT hindsight_tenant_reader;
