-- Who writes the read models, and where. The tables themselves are made by projections/tables.py: they are
-- rebuilt, never migrated.
DO $$
BEGIN
    CREATE ROLE billing_projector NOLOGIN BYPASSRLS;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;

COMMENT ON ROLE billing_projector IS 'Owns and writes the read models: entered by SET LOCAL ROLE inside a projection''s transaction';

GRANT USAGE ON SCHEMA ledger TO billing_projector;
GRANT SELECT ON ledger.head, ledger.fact TO billing_projector;

-- `read` serves; `read_next` is where a rebuild grows before it takes over.
CREATE SCHEMA read AUTHORIZATION billing_projector;
CREATE SCHEMA read_next AUTHORIZATION billing_projector;
GRANT USAGE ON SCHEMA read TO billing_app;
