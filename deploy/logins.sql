-- One login for each kind of process, with the rights that its work needs and no more (docs/reference/ledger.md).
-- Run by psql as the administrator, after `billing migrate`; running it again sets new passwords.
--   psql -v ON_ERROR_STOP=1 -v secrets=/run/secrets -f logins.sql
-- The folder `secrets` holds one file for each login, named after it, with its password.
SET log_statement = 'none';
SET log_min_error_statement = 'panic';

\set billing_consume `cat :'secrets'/billing_consume`
\set billing_project `cat :'secrets'/billing_project`
\set billing_serve `cat :'secrets'/billing_serve`
\set billing_operate `cat :'secrets'/billing_operate`

BEGIN;
SELECT format('CREATE ROLE %I', login) FROM (VALUES
    ('billing_consume'), ('billing_project'), ('billing_serve'), ('billing_operate')) AS wanted (login)
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = login) \gexec

ALTER ROLE billing_consume LOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB NOBYPASSRLS NOREPLICATION PASSWORD :'billing_consume';
ALTER ROLE billing_project LOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB NOBYPASSRLS NOREPLICATION PASSWORD :'billing_project';
ALTER ROLE billing_serve LOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB NOBYPASSRLS NOREPLICATION PASSWORD :'billing_serve';
ALTER ROLE billing_operate LOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB NOBYPASSRLS NOREPLICATION PASSWORD :'billing_operate';

-- Membership lets a login enter a role for a transaction (SET LOCAL ROLE). BYPASSRLS is not inherited: whoever does not
-- enter the appender's or the projector's role sees no row.
GRANT billing_appender TO billing_consume;
GRANT billing_projector TO billing_project;
GRANT billing_appender, billing_projector, billing_app TO billing_serve;
GRANT billing_appender, billing_projector, billing_app, billing_eraser TO billing_operate;
SELECT format('GRANT %I TO %I', role, login) FROM (VALUES
    ('billing_doorkeeper', 'billing_serve'), ('billing_keysmith', 'billing_serve'),
    ('billing_clerk', 'billing_serve'), ('billing_clerk', 'billing_operate'),
    ('billing_doorkeeper', 'billing_operate'), ('billing_keysmith', 'billing_operate')) AS door (role, login)
    JOIN pg_roles ON rolname = role \gexec
COMMIT;
