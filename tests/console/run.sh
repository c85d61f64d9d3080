#!/usr/bin/env bash
# Clicks through /console/analytics with Debian's Chromium, by playwright-core from npm, and writes as JSON what it saw.
# playwright-core lies below the target folder, made once for this version; it brings no browser of its own.
#
#   tests/console/run.sh GATEWAY [SCREENSHOT_FOLDER]     with HMS_USERNAME and HMS_PASSWORD
#   tests/console/run.sh --install                       installs Chromium (apt, as root)
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
if [ "${1:-}" = --install ]; then
  command -v chromium >/dev/null || DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium
  exit
fi
command -v chromium >/dev/null || {
  echo "chromium is missing: tests/console/run.sh --install" >&2
  exit 3
}

target=${CARGO_TARGET_DIR:-$here/../../target}
made=$target/console-test
wanted=$(sha256sum "$here/package.json" | cut -d' ' -f1)
mkdir -p "$target"
# Of several tests that come at once, one makes it.
exec 9>"$made.lock"
flock 9
if [ "$(cat "$made/made-of" 2>/dev/null || true)" != "$wanted" ]; then
  rm -rf "$made"
  mkdir "$made"
  cp "$here/package.json" "$made/"
  npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$made"
  echo "$wanted" >"$made/made-of"
fi
flock -u 9

CHROMIUM=$(command -v chromium) NODE_PATH=$made/node_modules exec node "$here/click.js" "$@"
