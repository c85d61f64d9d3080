#!/usr/bin/env bash
# Checks what platforms are deployed with. What it needs from PyPI and from Debian lies below the target folder, fetched
# once for these versions; kubectl (1.27 or later, for its kustomize) must be there.
#
#   tests/deploy/check.sh k8s [--only SERVICE] [FOLDER]   the manifests: kustomize, the schemas of two versions of
#                                                         Kubernetes, and the rules of check.py
#   tests/deploy/check.sh compose                         deploy/compose, by the schema of compose files
#   tests/deploy/check.sh promtool ARGUMENT …             promtool of the Prometheus in Debian
#   tests/deploy/check.sh prometheus ARGUMENT …           and Prometheus itself
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
repository=$here/../..
target=${CARGO_TARGET_DIR:-$repository/target}/deploy-tools
fail() {
  echo "check: $*" >&2
  exit 1
}

mkdir -p "$target"
# Of several tests that come at once, one fetches.
exec 9>"$target/lock"

provide_python() {
  venv=$("$here/../others.sh" "$here")
}

provide_prometheus() {
  program=$(command -v "$1" || echo "$target/prometheus/usr/bin/$1")
  flock 9
  if [ ! -x "$program" ]; then
    command -v apt-get >/dev/null || fail "$1 is missing; it comes with Prometheus"
    (
      cd "$target"
      apt-get download prometheus || { [ "$(id -u)" = 0 ] && apt-get update && apt-get download prometheus; }
      dpkg -x prometheus_*.deb prometheus
      rm -f prometheus_*.deb
    ) >&2 || fail "$1 cannot be had; install it with: sudo apt-get install prometheus"
  fi
  flock -u 9
}

case "${1:-}" in
k8s)
  command -v kubectl >/dev/null || fail "kubectl is missing: 1.27 or later, from https://kubernetes.io/docs/tasks/tools/"
  provide_python
  shift
  exec "$venv/bin/python" "$here/check.py" "$@"
  ;;
compose)
  provide_python
  exec "$venv/bin/check-jsonschema" --builtin-schema vendor.compose-spec "$repository"/deploy/compose/*.yaml
  ;;
promtool | prometheus)
  provide_prometheus "$1"
  shift
  exec "$program" "$@"
  ;;
*) fail "k8s, compose, promtool, or prometheus" ;;
esac
