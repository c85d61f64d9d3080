#!/usr/bin/env bash
# Renews the vendored pages: update.sh SWAGGER_UI_VERSION REDOC_VERSION
set -euo pipefail

[ $# -eq 2 ] || {
  echo "usage: $0 SWAGGER_UI_VERSION REDOC_VERSION" >&2
  exit 2
}
swagger_ui=$1
redoc=$2
assets=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

unpack() {
  (cd "$work" && npm pack --silent "$1@$2" >/dev/null && mkdir "$1" && tar -xzf "$1-$2.tgz" -C "$1" --strip-components=1)
}

# -n leaves time and name out, so that the same version gives the same bytes. The source map's address at the
# very end goes: we do not ship the map, and browsers would ask for it in vain.
compress() {
  sed '${/^\/\/# sourceMappingURL=/d; s|/\*# sourceMappingURL=[^*]*\*/||}' "$work/$1" | gzip -9n >"$assets/$2"
}

unpack swagger-ui-dist "$swagger_ui"
unpack redoc "$redoc"

# Redoc fetches a logo from the network for its credit line; an empty picture stands in for it.
bundle=$work/redoc/bundles/redoc.standalone.js
sed -i "s|https://cdn.redoc.ly/redoc/logo-mini.svg|data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'/%3E|" "$bundle"
if grep -q 'cdn\.redoc' "$bundle"; then
  echo "update.sh: this version of Redoc fetches something else from the network; look at it first" >&2
  exit 1
fi

compress swagger-ui-dist/swagger-ui-bundle.js swagger-ui-bundle.js.gz
compress swagger-ui-dist/swagger-ui.css swagger-ui.css.gz
compress redoc/bundles/redoc.standalone.js redoc.standalone.js.gz

# The licences, and the notices of what the bundles contain in their turn.
cat "$work/swagger-ui-dist/NOTICE" "$work/swagger-ui-dist/LICENSE" >"$assets/LICENSE-swagger-ui.txt"
cp "$work/swagger-ui-dist/swagger-ui-bundle.js.LICENSE.txt" "$assets/NOTICES-swagger-ui.txt"
cp "$work/redoc/LICENSE" "$assets/LICENSE-redoc.txt"
cat "$work/redoc/bundles/"{redoc.standalone.js,*.worker.js}.LICENSE.txt >"$assets/NOTICES-redoc.txt"

sed -i "s/^| swagger-ui-dist |[^|]*|/| swagger-ui-dist | $swagger_ui |/; s/^| redoc |[^|]*|/| redoc | $redoc |/" "$assets/README.md"
