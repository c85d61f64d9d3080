#!/usr/bin/env bash
# Reads a calendar (RFC 5545) from standard input with a library that nobody here wrote (icalendar, from PyPI) and writes
# what it found as JSON. The library lies in a virtual environment below the target folder, made once for this version.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
target=${CARGO_TARGET_DIR:-$here/../../target}
venv=$target/ics-reader
wanted=$(sha256sum "$here/requirements.txt" | cut -d' ' -f1)

mkdir -p "$target"
# Of several tests that come at once, one makes it.
exec 9>"$target/ics-reader.lock"
flock 9
if [ "$(cat "$venv/made-of" 2>/dev/null || true)" != "$wanted" ]; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-input -r "$here/requirements.txt"
  echo "$wanted" >"$venv/made-of"
fi
flock -u 9

exec "$venv/bin/python" "$here/read.py"
