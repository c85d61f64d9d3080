#!/usr/bin/env bash
# Verifiers that nobody here wrote (standardwebhooks, from PyPI and from npm) look at deliveries of ours.
#
#   tests/webhooks/run.sh <cases.json
#
# A case is {"name", "secret", "headers", "payload", "accepted"}.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
made=$("$here/../others.sh" "$here")

cases=$(cat)
"$made/bin/python" "$here/verify.py" <<<"$cases"
NODE_PATH=$made/node_modules node "$here/verify.js" <<<"$cases"
