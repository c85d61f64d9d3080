#!/usr/bin/env bash
# Programs that nobody here wrote, for tests of ours: makes what a folder asks for (requirements.txt from PyPI, package.json
# from npm, where it is there) below the target folder, once for these versions, and says where: bin/python, node_modules.
#
#   made=$(tests/others.sh tests/webhooks)
set -euo pipefail

folder=$(cd "$1" && pwd)
target=${CARGO_TARGET_DIR:-$(cd "$(dirname "$0")/.." && pwd)/target}
made=$target/others/$(basename "$folder")
wanted=$(cd "$folder"; sha256sum requirements.txt package.json 2>/dev/null || true)

mkdir -p "$target/others"
# Of several tests that come at once, one makes it.
exec 9>"$made.lock"
flock 9
if [ "$(cat "$made/made-of" 2>/dev/null || true)" != "$wanted" ]; then
  rm -rf "$made"
  {
    python3 -m venv "$made"
    "$made/bin/pip" install --quiet --disable-pip-version-check --no-input -r "$folder/requirements.txt"
    if [ -e "$folder/package.json" ]; then
      cp "$folder/package.json" "$made/"
      npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$made"
    fi
  } </dev/null >&2
  echo "$wanted" >"$made/made-of"
fi
echo "$made"
