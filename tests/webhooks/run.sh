#!/usr/bin/env bash
# Verifiers that nobody here wrote (standardwebhooks, from PyPI and from npm) look at deliveries of ours. What they need
# lies below the target folder, made once for these versions.
#
#   tests/webhooks/run.sh <cases.json
#
# A case is {"name", "secret", "headers", "payload", "accepted"}.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
target=${CARGO_TARGET_DIR:-$here/../../target}
made=$target/webhook-verifiers
wanted=$(cat "$here/requirements.txt" "$here/package.json" | sha256sum | cut -d' ' -f1)

mkdir -p "$target"
# Of several tests that come at once, one makes it.
exec 9>"$made.lock"
flock 9
if [ "$(cat "$made/made-of" 2>/dev/null || true)" != "$wanted" ]; then
  rm -rf "$made"
  python3 -m venv "$made"
  "$made/bin/pip" install --quiet --disable-pip-version-check --no-input -r "$here/requirements.txt"
  cp "$here/package.json" "$made/"
  npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$made"
  echo "$wanted" >"$made/made-of"
fi
flock -u 9

cases=$(cat)
"$made/bin/python" "$here/verify.py" <<<"$cases"
NODE_PATH=$made/node_modules node "$here/verify.js" <<<"$cases"
