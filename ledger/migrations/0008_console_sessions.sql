-- Sessions of the console: each began with a key, ends with it, and is known by the SHA-256 of its token alone.
CREATE TABLE ledger.console_session (
    token_hash bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
    key_id     text COLLATE "C" NOT NULL REFERENCES ledger.api_key,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > created_at)
);
CREATE INDEX console_session_by_end ON ledger.console_session (expires_at);

ALTER TABLE ledger.console_session ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger.console_session FORCE ROW LEVEL SECURITY;
CREATE POLICY at_the_door ON ledger.console_session TO billing_doorkeeper USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, DELETE ON ledger.console_session TO billing_doorkeeper;
