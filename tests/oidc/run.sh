#!/usr/bin/env bash
# A client that nobody here wrote (Authlib, from PyPI) signs in against a running platform.
#
#   HMS_ISSUER=http://127.0.0.1:8080 HMS_USERNAME=… HMS_PASSWORD=… CLIENT_ID=… CLIENT_SECRET=… PUBLIC_CLIENT_ID=… tests/oidc/run.sh
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
made=$("$here/../others.sh" "$here")

# The platform is on this machine: no proxy has a part in it.
exec env -u HTTP_PROXY -u HTTPS_PROXY -u http_proxy -u https_proxy NO_PROXY=127.0.0.1 no_proxy=127.0.0.1 \
  AUTHLIB_INSECURE_TRANSPORT=1 "$made/bin/python" "$here/client.py"
