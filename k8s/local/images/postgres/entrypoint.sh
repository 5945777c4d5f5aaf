#!/usr/bin/env bash
# The official image's part that the chart uses: makes the cluster and its database at the first start, then is Postgres.
# Reads POSTGRES_PASSWORD (required), POSTGRES_USER, POSTGRES_DB, POSTGRES_INITDB_ARGS and PGDATA.
set -euo pipefail
[ "${1:--}" = "${1#-}" ] || set -- postgres "$@"
[ "$1" = postgres ] || exec "$@"
user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  : "${POSTGRES_PASSWORD:?is not set: the database needs a password}"
  mkdir -p "$PGDATA"
  # Several arguments in one variable, as in the official image.
  # shellcheck disable=SC2086
  initdb --username="$user" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") --auth-local=trust \
    --auth-host=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 ${POSTGRES_INITDB_ARGS:-} -D "$PGDATA"
  printf "host all all all scram-sha-256\n" >>"$PGDATA/pg_hba.conf"
  printf "listen_addresses = '*'\nunix_socket_directories = '/var/run/postgresql'\n" >>"$PGDATA/postgresql.conf"
  if [ "$database" != postgres ]; then
    # Nobody can connect from outside before the database is there.
    pg_ctl -D "$PGDATA" -w -o "-c listen_addresses=''" start
    psql -v ON_ERROR_STOP=1 -h /var/run/postgresql -U "$user" -d postgres -v "name=$database" \
      <<<'CREATE DATABASE :"name"'
    pg_ctl -D "$PGDATA" -w -m fast stop
  fi
fi
exec "$@"
