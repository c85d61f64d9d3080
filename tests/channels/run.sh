#!/usr/bin/env bash
# The other ends of our channels, by programs that nobody here wrote (tests/channels/requirements.txt). Each says its port in
# its first line, and what came in one line of JSON each.
#
#   tests/channels/run.sh smtp.py tls|starttls|plain CERTIFICATE KEY   a mail server (aiosmtpd)
#   tests/channels/run.sh push.py CERTIFICATE KEY                      a push service and a browser (http_ece, PyJWT)
#   tests/channels/run.sh account.py                                   a service account with a key of its own (cryptography)
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
made=$("$here/../others.sh" "$here")
exec "$made/bin/python" -u -W ignore "$here/$1" "${@:2}"
