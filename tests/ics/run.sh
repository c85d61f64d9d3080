#!/usr/bin/env bash
# Reads a calendar (RFC 5545) from standard input with a library that nobody here wrote (icalendar, from PyPI) and writes
# what it found as JSON.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
made=$("$here/../others.sh" "$here")
exec "$made/bin/python" "$here/read.py"
