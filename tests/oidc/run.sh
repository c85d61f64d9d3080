#!/usr/bin/env bash
# A client that nobody here wrote (Authlib, from PyPI) signs in against a running platform. What it needs lies in a
# virtual environment below the target folder, made once for these versions.
#
#   HMS_ISSUER=http://127.0.0.1:8080 HMS_USERNAME=… HMS_PASSWORD=… CLIENT_ID=… CLIENT_SECRET=… PUBLIC_CLIENT_ID=… tests/oidc/run.sh
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
target=${CARGO_TARGET_DIR:-$here/../../target}
venv=$target/oidc-client
wanted=$(sha256sum "$here/requirements.txt" | cut -d' ' -f1)

mkdir -p "$target"
# Of several tests that come at once, one makes it.
exec 9>"$target/oidc-client.lock"
flock 9
if [ "$(cat "$venv/made-of" 2>/dev/null || true)" != "$wanted" ]; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-input -r "$here/requirements.txt"
  echo "$wanted" >"$venv/made-of"
fi
flock -u 9

# The platform is on this machine: no proxy has a part in it.
exec env -u HTTP_PROXY -u HTTPS_PROXY -u http_proxy -u https_proxy NO_PROXY=127.0.0.1 no_proxy=127.0.0.1 \
  AUTHLIB_INSECURE_TRANSPORT=1 "$venv/bin/python" "$here/client.py"
