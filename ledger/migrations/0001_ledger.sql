-- The ledger's own tables, roles and locks (ARCHITECTURE.md §4). Everything lives in the schema `ledger`, which the migrator made.
-- Text that takes part in a key sorts by code point (COLLATE "C"), so that the order of locks is the same everywhere.

-- Roles belong to the server, not to the database: another database may have made them already.
DO $$
BEGIN
    CREATE ROLE billing_appender NOLOGIN BYPASSRLS;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
DO $$
BEGIN
    CREATE ROLE billing_app NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
DO $$
BEGIN
    CREATE ROLE billing_eraser NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;

COMMENT ON ROLE billing_appender IS 'Appends facts: entered by SET LOCAL ROLE inside the append transaction';
COMMENT ON ROLE billing_app IS 'Reads one tenant at a time, under row-level security with app.tenant_id';
COMMENT ON ROLE billing_eraser IS 'Deletes the personal keys and values of one tenant, nothing else';

GRANT USAGE ON SCHEMA ledger TO billing_appender, billing_app, billing_eraser;

-- One row per tenant: how far its ledger goes. Locking it makes the numbering gapless and the order that of commits.
CREATE TABLE ledger.head (
    tenant_id   text COLLATE "C" PRIMARY KEY CHECK (tenant_id <> ''),
    size        bigint NOT NULL DEFAULT 0 CHECK (size >= 0),
    recorded_at timestamptz,
    opened_at   timestamptz NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE ledger.fact (
    seq            bigint NOT NULL CHECK (seq > 0),
    recorded_at    timestamptz NOT NULL,
    version        bigint NOT NULL CHECK (version > 0),
    schema_version integer NOT NULL CHECK (schema_version > 0),
    tenant_id      text COLLATE "C" NOT NULL,
    source         text COLLATE "C" NOT NULL,
    event_id       text COLLATE "C" NOT NULL,
    stream         text COLLATE "C" NOT NULL,
    type           text COLLATE "C" NOT NULL,
    origin         text COLLATE "C" NOT NULL,
    customer_id    text COLLATE "C",
    payload        bytea NOT NULL,
    leaf           bytea NOT NULL CHECK (octet_length(leaf) = 32),
    PRIMARY KEY (tenant_id, seq),
    UNIQUE (tenant_id, source, event_id),
    UNIQUE (tenant_id, stream, version)
);
CREATE INDEX fact_of_customer ON ledger.fact (tenant_id, customer_id, seq) WHERE customer_id IS NOT NULL;

-- Payloads are always read whole with their row: compressed in place, and out of line only where a page can't hold
-- them (documents of 2 to 4 kB: a fifth faster to write and a third faster to hash than out of line, measured).
ALTER TABLE ledger.fact ALTER COLUMN payload SET STORAGE MAIN;
DO $$
BEGIN
    ALTER TABLE ledger.fact ALTER COLUMN payload SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN NULL;  -- a server built without it; pglz does
END $$;

COMMENT ON COLUMN ledger.fact.payload IS 'the canonical structured CloudEvent (RFC 8785), personal data replaced by commitments';
COMMENT ON COLUMN ledger.fact.customer_id IS 'derived from the payload, for the index alone; the verifier derives it again';
COMMENT ON COLUMN ledger.fact.leaf IS 'SHA-256 of the header and the payload''s hash: the leaf of the RFC 9162 tree (ledger/leaf.py)';

CREATE TABLE ledger.ingest_offset (
    consumer_group    text COLLATE "C" NOT NULL,
    topic             text COLLATE "C" NOT NULL,
    partition         integer NOT NULL,
    next_offset       bigint NOT NULL DEFAULT 0,
    epoch             bigint NOT NULL DEFAULT 0,
    topic_incarnation text NOT NULL DEFAULT '',
    received          bigint NOT NULL DEFAULT 0,
    booked            bigint NOT NULL DEFAULT 0,
    duplicate         bigint NOT NULL DEFAULT 0,
    rejected          bigint NOT NULL DEFAULT 0,
    updated_at        timestamptz NOT NULL,
    PRIMARY KEY (consumer_group, topic, partition),
    CONSTRAINT sums_close CHECK (received = booked + duplicate + rejected)
) WITH (fillfactor = 50);

CREATE TABLE ledger.quarantine (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consumer_group text COLLATE "C" NOT NULL,
    topic          text COLLATE "C" NOT NULL,
    partition      integer NOT NULL,
    "offset"       bigint NOT NULL,
    tenant_id      text COLLATE "C",
    key            bytea,
    value          bytea,
    headers        jsonb NOT NULL DEFAULT '[]',
    reason         text NOT NULL,
    detail         text NOT NULL DEFAULT '',
    recorded_at    timestamptz NOT NULL,
    state          text NOT NULL DEFAULT 'waiting'
                   CHECK (state IN ('waiting', 'published', 'redriven', 'discarded')),
    UNIQUE (topic, partition, "offset")
);
CREATE INDEX quarantine_of_state ON ledger.quarantine (state, id);

-- A sequence of PostgreSQL burns numbers on rollback; a locked row does not.
CREATE TABLE ledger.number_series (
    tenant_id      text COLLATE "C" NOT NULL,
    series         text COLLATE "C" NOT NULL,
    last_number    bigint NOT NULL DEFAULT 0 CHECK (last_number >= 0),
    last_issued_on date,
    PRIMARY KEY (tenant_id, series)
) WITH (fillfactor = 50);

CREATE TABLE ledger.personal_key (
    tenant_id  text COLLATE "C" NOT NULL,
    subject    text COLLATE "C" NOT NULL,
    key        bytea NOT NULL CHECK (octet_length(key) = 32),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, subject)
);

CREATE TABLE ledger.personal_data (
    tenant_id  text COLLATE "C" NOT NULL,
    commitment text COLLATE "C" NOT NULL,
    subject    text COLLATE "C" NOT NULL,
    field      text COLLATE "C" NOT NULL,
    ciphertext bytea NOT NULL,
    PRIMARY KEY (tenant_id, commitment)
);
CREATE INDEX personal_data_of_subject ON ledger.personal_data (tenant_id, subject);

-- Facts are never changed. ENABLE ALWAYS: session_replication_role = replica does not switch these off.
CREATE FUNCTION ledger.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'facts are immutable: % on %.% is refused', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER fact_is_never_changed BEFORE UPDATE OR DELETE ON ledger.fact
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER fact_is_never_emptied BEFORE TRUNCATE ON ledger.fact
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
ALTER TABLE ledger.fact ENABLE ALWAYS TRIGGER fact_is_never_changed;
ALTER TABLE ledger.fact ENABLE ALWAYS TRIGGER fact_is_never_emptied;

-- One tenant never sees another, whoever asks; FORCE holds the owner of the tables to it as well.
CREATE FUNCTION ledger.current_tenant() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    RETURN current_setting('app.tenant_id', true);
DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['head', 'fact', 'quarantine', 'number_series', 'personal_key', 'personal_data']
    LOOP
        EXECUTE format('ALTER TABLE ledger.%I ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format('ALTER TABLE ledger.%I FORCE ROW LEVEL SECURITY', guarded);
        EXECUTE format('CREATE POLICY one_tenant ON ledger.%I USING (tenant_id = ledger.current_tenant())', guarded);
    END LOOP;
END $$;

GRANT SELECT ON ALL TABLES IN SCHEMA ledger TO billing_appender;
GRANT INSERT ON ledger.head, ledger.fact, ledger.ingest_offset, ledger.quarantine, ledger.number_series,
    ledger.personal_key, ledger.personal_data TO billing_appender;
GRANT UPDATE (size, recorded_at) ON ledger.head TO billing_appender;
GRANT UPDATE ON ledger.ingest_offset TO billing_appender;
GRANT UPDATE (state) ON ledger.quarantine TO billing_appender;
GRANT UPDATE (last_number, last_issued_on) ON ledger.number_series TO billing_appender;
GRANT SELECT ON ledger.head, ledger.fact, ledger.ingest_offset, ledger.quarantine, ledger.number_series,
    ledger.personal_key, ledger.personal_data TO billing_app;
GRANT SELECT, DELETE ON ledger.personal_key, ledger.personal_data TO billing_eraser;

-- What names no readable tenant goes to the installation's own ledger.
INSERT INTO ledger.head (tenant_id, opened_at) VALUES ('_system', now());
