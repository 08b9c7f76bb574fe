-- Keys for the HTTP doors: of the secret only its SHA-256 is kept. A key has 256 random bits, so that a slow
-- password hash would add nothing but time to each request.
DO $$
BEGIN
    CREATE ROLE billing_doorkeeper NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
DO $$
BEGIN
    CREATE ROLE billing_keysmith NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;

COMMENT ON ROLE billing_doorkeeper IS 'Looks a presented key up and notes its use, nothing else';
COMMENT ON ROLE billing_keysmith IS 'Makes, lists and revokes keys; can''t change one otherwise, nor delete it';

CREATE TABLE ledger.api_key (
    key_id       text COLLATE "C" PRIMARY KEY CHECK (key_id ~ '^[a-z2-7]{12}$'),
    tenant_id    text COLLATE "C" NOT NULL REFERENCES ledger.head,
    name         text NOT NULL CHECK (name <> ''),
    role         text NOT NULL CHECK (role IN ('publisher', 'finance', 'auditor', 'admin')),
    secret_hash  bytea NOT NULL CHECK (octet_length(secret_hash) = 32),
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz CHECK (expires_at > created_at),
    last_used_at timestamptz,
    revoked_at   timestamptz
);
CREATE INDEX api_key_of_tenant ON ledger.api_key (tenant_id, created_at, key_id);

COMMENT ON COLUMN ledger.api_key.key_id IS 'the readable middle of the key, by which it is looked up and named';
COMMENT ON COLUMN ledger.api_key.last_used_at IS 'to the minute: not every request writes';

-- No reader of a tenant's data sees keys, and whoever holds one role can't do the other's work.
ALTER TABLE ledger.api_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger.api_key FORCE ROW LEVEL SECURITY;
CREATE POLICY at_the_door ON ledger.api_key TO billing_doorkeeper USING (true);
CREATE POLICY at_the_forge ON ledger.api_key TO billing_keysmith USING (true) WITH CHECK (true);

GRANT USAGE ON SCHEMA ledger TO billing_doorkeeper, billing_keysmith;
GRANT SELECT ON ledger.api_key TO billing_doorkeeper, billing_keysmith;
GRANT UPDATE (last_used_at) ON ledger.api_key TO billing_doorkeeper;
GRANT INSERT ON ledger.api_key TO billing_keysmith;
GRANT UPDATE (revoked_at) ON ledger.api_key TO billing_keysmith;
