-- Bill runs that somebody ordered by HTTP: who did, how far each is, how it ended. What a run issues are facts,
-- as ever; this is only the order and its progress.
DO $$
BEGIN
    CREATE ROLE billing_clerk NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;

COMMENT ON ROLE billing_clerk IS 'Writes the orders of bill runs of one tenant and their progress';

CREATE TABLE ledger.ordered_run (
    tenant_id       text COLLATE "C" NOT NULL,
    run_id          text COLLATE "C" NOT NULL,
    ordered_by      text COLLATE "C" NOT NULL,
    ordered_at      timestamptz NOT NULL,
    issue_date      date NOT NULL,
    customer_id     text COLLATE "C",
    dry_run         boolean NOT NULL,
    state           text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'done', 'failed')),
    customers_done  integer NOT NULL DEFAULT 0,
    customers_total integer,
    -- How it ended: totals by kind and currency and who was set aside, or the error's code and words.
    outcome         text,
    ended_at        timestamptz,
    PRIMARY KEY (tenant_id, run_id)
) WITH (fillfactor = 50);
CREATE INDEX ordered_run_by_time ON ledger.ordered_run (tenant_id, ordered_at, run_id);

ALTER TABLE ledger.ordered_run ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger.ordered_run FORCE ROW LEVEL SECURITY;
CREATE POLICY one_tenant ON ledger.ordered_run USING (tenant_id = ledger.current_tenant());

GRANT USAGE ON SCHEMA ledger TO billing_clerk;
GRANT SELECT, INSERT ON ledger.ordered_run TO billing_clerk;
GRANT UPDATE (state, customers_done, customers_total, outcome, ended_at) ON ledger.ordered_run TO billing_clerk;
GRANT SELECT ON ledger.ordered_run TO billing_app;

-- A tenant looks through its own refused messages.
CREATE INDEX quarantine_of_tenant ON ledger.quarantine (tenant_id, id) WHERE tenant_id IS NOT NULL;
