#!/usr/bin/env bash
# Writes what the sqlx macros know about our statements to .sqlx; with --check, tells whether it is in step.
# usage: shared/storage/prepare.sh [--check]     needs PostgreSQL's own programs (initdb, pg_ctl, psql)
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
bin=${PG_BIN:-$(dirname "$(command -v initdb || ls -d /usr/lib/postgresql/*/bin/initdb | sort -V | tail -1)")}
# Short: the socket's path may have 107 bytes only.
work=$(mktemp -d /tmp/oss-sqlx.XXXXXX)
as=()
if [ "$(id -u)" = 0 ]; then
  chown postgres "$work"
  as=(setpriv --reuid=postgres --regid=postgres --init-groups --inh-caps=-all)
fi
stop() {
  (cd / && "${as[@]}" "$bin/pg_ctl" -D "$work/data" -s -m immediate stop) || true
  rm -rf "$work"
}
trap stop EXIT
(
  cd /
  "${as[@]}" "$bin/initdb" -D "$work/data" -U owner --auth=trust -E UTF8 --locale=C.UTF-8 -N >/dev/null
  "${as[@]}" "$bin/pg_ctl" -D "$work/data" -s -w -t 30 -l "$work/log" \
    -o "-c listen_addresses='' -c unix_socket_directories=$work -c fsync=off" start
)
url="postgres://owner@localhost/postgres?host=$work"
for migration in shared/storage/migrations/*.sql; do
  psql "$url" -q -1 -v ON_ERROR_STOP=1 -f "$migration"
done

# Into a folder of its own first: whoever builds meanwhile needs the old one whole.
out=$work/sqlx
mkdir -p "$out"
# The macros run only where the crate is compiled anew.
touch shared/storage/src/lib.rs
SQLX_OFFLINE=false SQLX_OFFLINE_DIR=$out DATABASE_URL=$url cargo check -q -p oss-storage
touch shared/storage/src/lib.rs
if [ "${1-}" = --check ]; then
  diff -r "$root/.sqlx" "$out" >/dev/null || {
    echo ".sqlx is not in step with the statements and migrations: run shared/storage/prepare.sh" >&2
    exit 1
  }
else
  mkdir -p "$root/.sqlx"
  rm -f "$root"/.sqlx/query-*.json
  cp "$out"/query-*.json "$root/.sqlx/"
fi
