-- What the roles of the appliance's own PostgreSQL may see and do in the workload's database; run by the superuser at every start.
-- What the workload's role may do with each table its owner says, after each migration (stream/store/grants.py).
-- A new cluster lets everybody make temporary tables, which only an owner needs here.
REVOKE TEMPORARY ON DATABASE watchfloor FROM PUBLIC;

REVOKE CREATE ON SCHEMA public FROM PUBLIC;

-- pg_monitor sees the server's statistics; but pg_stats and pg_sequences show each role only what it may read. These two functions
-- run as the owner of the tables, not as a superuser, and tell sizes and positions: no value of any row.
GRANT pg_monitor TO watchfloor_exporter;

ALTER ROLE watchfloor_exporter SET default_transaction_read_only = on;

CREATE SCHEMA IF NOT EXISTS watchfloor_exporter AUTHORIZATION watchfloor;

GRANT USAGE ON SCHEMA watchfloor_exporter TO watchfloor_exporter;

DO $$ BEGIN IF to_regrole('watchfloor_reader') IS NULL THEN CREATE ROLE watchfloor_reader; END IF; END $$;

ALTER ROLE watchfloor_reader SET default_transaction_read_only = on;

DO $$ DECLARE one regclass; BEGIN
    FOR one IN SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
        AND relowner = to_regrole('watchfloor') AND NOT has_table_privilege('watchfloor_reader', oid, 'SELECT')
    LOOP EXECUTE format('GRANT SELECT ON %s TO watchfloor_reader', one); END LOOP;
END $$;

SET ROLE watchfloor;

ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO watchfloor_reader;

CREATE OR REPLACE FUNCTION watchfloor_exporter.column_statistics()
RETURNS TABLE (schemaname name, tablename name, null_frac real, avg_width integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
AS 'SELECT schemaname, tablename, null_frac, avg_width FROM pg_stats';

CREATE OR REPLACE FUNCTION watchfloor_exporter.sequence_positions()
RETURNS TABLE (
    schemaname name, sequencename name, min_value bigint, max_value bigint, increment_by bigint, cycle boolean, last_value bigint
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
AS 'SELECT schemaname, sequencename, min_value, max_value, increment_by, cycle, last_value FROM pg_sequences';

REVOKE ALL ON FUNCTION watchfloor_exporter.column_statistics(), watchfloor_exporter.sequence_positions() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION watchfloor_exporter.column_statistics(), watchfloor_exporter.sequence_positions() TO watchfloor_exporter;

RESET ROLE;

