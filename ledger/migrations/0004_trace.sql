-- The trace (W3C Trace Context) that a fact came by. Beside the facts, because it is no part of them: a message that is
-- delivered again under another trace is the same fact, and neither leaf nor replay reads this table.
CREATE TABLE ledger.trace (
    tenant_id   text COLLATE "C" NOT NULL,
    seq         bigint NOT NULL,
    traceparent text COLLATE "C" NOT NULL CHECK (octet_length(traceparent) = 55),
    PRIMARY KEY (tenant_id, seq)
);
ALTER TABLE ledger.trace ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger.trace FORCE ROW LEVEL SECURITY;
CREATE POLICY one_tenant ON ledger.trace USING (tenant_id = ledger.current_tenant());
GRANT SELECT, INSERT ON ledger.trace TO billing_appender;
GRANT SELECT ON ledger.trace TO billing_app, billing_projector;

-- What an operator watches (metrics) is read by the projector's role: counts and states, no content.
GRANT SELECT ON ledger.ingest_offset, ledger.number_series TO billing_projector;
GRANT SELECT (tenant_id, reason, state, recorded_at) ON ledger.quarantine TO billing_projector;
