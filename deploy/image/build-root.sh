#!/usr/bin/env bash
# The image of one program where no container engine is at hand: by the steps of the Dockerfile, on this machine.
#
#   deploy/image/build-root.sh SERVICE FOLDER
#
# makes FOLDER/root, which deploy/image/rootfs.sh runs, and FOLDER/hms-SERVICE.oci.tar, an OCI image layout for `docker load`,
# `podman load` or `skopeo copy oci-archive:… docker://…`. SERVICE is gateway, or a name of the list of services.
#
# The image carries the C library of the machine it is made on: made on Debian 12, it is what the Dockerfile makes.
#
#   PROFILE    dist (default), or another profile of cargo's
#   FEATURES   hms-db/postgres-tls for PostgreSQL with TLS
#   VERSION    0.1.0
#   REVISION   that of git
#   BINARY     a program that is built already, instead of building it
set -euo pipefail

fail() {
  echo "build-root: $*" >&2
  exit 1
}
[ $# = 2 ] || fail "SERVICE FOLDER"
service=$1
mkdir -p "$2"
out=$(realpath "$2")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
binary=${BINARY:-}
[ -z "$binary" ] || binary=$(realpath "$binary")
revision=${REVISION:-$(git rev-parse HEAD 2>/dev/null || echo unknown)}

[ -n "$binary" ] || binary=$(deploy/image/program.sh "$service")
rm -rf "$out/root" "$out/hms-$service.oci.tar"
deploy/image/rootfs.sh assemble "$binary" "$out/root"
python3 deploy/image/sbom.py "hms-$service" --features "${FEATURES:-}" >"$out/root/sbom.cdx.json"
python3 deploy/image/oci.py "$service" "$out/root" "$out/hms-$service.oci.tar" \
  --version "${VERSION:-0.1.0}" --revision "$revision"
echo "$out/hms-$service.oci.tar: $(du -m --apparent-size "$out/hms-$service.oci.tar" | cut -f1) MB," \
  "$(du -sm --apparent-size "$out/root" | cut -f1) MB unpacked"
