# What `billing` does for itself (docs/reference/settings.md), for the programs of PostgreSQL: sourced by backup and restore.
# Address and password come from the environment, else from a file in the folder of secrets; a password in the address wins.
secrets=${BILLING_SECRETS_FOLDER:-/nowhere}
if [ -z "${DATABASE_URL+set}" ] && [ -r "$secrets/DATABASE_URL" ]; then
    DATABASE_URL=$(cat "$secrets/DATABASE_URL")
    export DATABASE_URL
fi
if [ -z "${DATABASE_PASSWORD+set}" ] && [ -r "$secrets/DATABASE_PASSWORD" ]; then
    DATABASE_PASSWORD=$(cat "$secrets/DATABASE_PASSWORD")
fi
if [ -n "${DATABASE_PASSWORD:-}" ]; then
    export DATABASE_PASSWORD PGPASSWORD="$DATABASE_PASSWORD"
fi

ask() { psql --dbname="$DATABASE_URL" --no-psqlrc --quiet --tuples-only --no-align -v ON_ERROR_STOP=1 "$@"; }

# A dump is made, and read, by programs that are at least as new as the server; an older one gives up half way.
refuse_older() { # PROGRAM
    client=$("$1" --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/')
    server=$(ask -c "SHOW server_version_num")
    [ "$client" -ge $((server / 10000)) ] || {
        echo "$1 is of version $client, the server of $((server / 10000)); put programs at least as new first on the path" >&2
        exit 2
    }
}
