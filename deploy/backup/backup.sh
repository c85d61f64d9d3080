#!/usr/bin/env bash
# Backs every service's database up, each by itself, and restores them.
#
#   deploy/backup/backup.sh save FOLDER      one file a service: <service>.dump of PostgreSQL (pg_dump --format=custom), or
#                                            <service>.sqlite3; while everything runs. FOLDER must not be there yet
#   deploy/backup/backup.sh restore FOLDER   into databases that hold nothing yet; while nothing runs
#
# The databases are those of the settings that `hms` takes: <SERVICE>_DATABASE_URL, or files below HMS_DATA_DIR (data). Needs
# pg_dump and pg_restore of the server's version or later, or Python 3 for SQLite. What else must be kept stands in
# docs/runbook.md.
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
fail() {
  echo "backup: $*" >&2
  exit 1
}
[ $# = 2 ] || fail "save FOLDER, or restore FOLDER"
folder=$2

services() {
  python3 -c 'import runpy, sys
for name, _, _ in runpy.run_path(sys.argv[1], run_name="list")["services"](): print(name)' "$repository/deploy/generate.py"
}

# The URL of a service's database; nothing where it is a file of the data folder.
url_of() {
  local setting=${1^^}_DATABASE_URL
  echo "${!setting:-}"
}

file_of() {
  local url
  url=$(url_of "$1")
  case $url in
    '') echo "${HMS_DATA_DIR:-data}/${1}_db.sqlite3" ;;
    sqlite://*) echo "${url#sqlite://}" ;;
  esac
}

# SQLite's own way: a copy of one moment, whatever writes meanwhile.
copy_sqlite() {
  [ -f "$1" ] || fail "there is no database $1"
  [ ! -e "$2" ] || fail "$2 is there already"
  mkdir -p "$(dirname "$2")"
  python3 -c 'import sqlite3, sys
source, target = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True), sqlite3.connect(sys.argv[2])
source.backup(target)
(state,) = target.execute("PRAGMA integrity_check").fetchone()
target.close()
if state != "ok": sys.exit(f"backup: {sys.argv[1]}: {state}")' "$1" "$2"
}

save() {
  [ ! -e "$folder" ] || fail "$folder is there already"
  umask 077
  mkdir -p "$folder.new"
  local service url
  for service in $(services); do
    url=$(url_of "$service")
    case $url in
      postgres*) pg_dump --format=custom --no-owner --no-privileges --file="$folder.new/$service.dump" --dbname="$url" ;;
      *) copy_sqlite "$(file_of "$service")" "$folder.new/$service.sqlite3" ;;
    esac
  done
  # Only a whole backup has its name.
  mv "$folder.new" "$folder"
}

restore() {
  local service url
  for service in $(services); do
    url=$(url_of "$service")
    case $url in
      postgres*)
        # All or nothing; a table that is there already is an error.
        pg_restore --exit-on-error --single-transaction --no-owner --no-privileges --dbname="$url" "$folder/$service.dump"
        ;;
      *) copy_sqlite "$folder/$service.sqlite3" "$(file_of "$service")" ;;
    esac
  done
}

case $1 in
  save) save ;;
  restore) restore ;;
  *) fail "save FOLDER, or restore FOLDER" ;;
esac
