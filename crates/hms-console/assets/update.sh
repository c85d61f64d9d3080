#!/usr/bin/env bash
# Renews the vendored chart library: update.sh CHART_JS_VERSION
set -euo pipefail

[ $# -eq 1 ] || {
  echo "usage: $0 CHART_JS_VERSION" >&2
  exit 2
}
version=$1
assets=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

(cd "$work" && npm pack --silent "chart.js@$version" >/dev/null && tar -xzf "chart.js-$version.tgz" --strip-components=1)

# -n leaves time and name out, so that the same version gives the same bytes. The source map is not shipped.
sed '/^\/\/# sourceMappingURL=/d' "$work/dist/chart.umd.min.js" | gzip -9n >"$assets/chart.umd.js.gz"
cp "$work/LICENSE.md" "$assets/LICENSE-chart.js.md"
sed -i "s/^| chart.js |[^|]*|/| chart.js | $version |/" "$assets/README.md"
