#!/usr/bin/env bash
# A program as its image carries it, built where it is not yet; prints where it is.
#
#   deploy/image/program.sh SERVICE
#
# SERVICE is gateway, or a name of the list of services. The gateway is laid out by what a load has shown of it
# (profile-guided optimisation): gateway/hms-gateway.profdata, which deploy/image/profile.sh makes. A function that has changed
# since is built as it would be without.
#
#   PROFILE    dist (default), or another profile of cargo's, which then is all there is
#   FEATURES   hms-db/postgres-tls for PostgreSQL with TLS
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

service=$1
profile=${PROFILE:-dist}
counts=$PWD/gateway/hms-gateway.profdata
folder=$([ "$profile" = dev ] && echo debug || echo "$profile")
build=(cargo build --profile "$profile" --locked -p "hms-$service" --bin "hms-$service" --features "${FEATURES:-}")
if [ "$service/$profile" = gateway/dist ]; then
  # The names of functions depend on it, and must be those that were counted.
  target=$(rustc --print host-tuple)
  folder=$target/$folder
  build+=(--target "$target")
  separator=$(printf '\037')
  export CARGO_ENCODED_RUSTFLAGS=${CARGO_ENCODED_RUSTFLAGS:+$CARGO_ENCODED_RUSTFLAGS$separator}-Cprofile-use=$counts
fi
"${build[@]}" >&2
echo "${CARGO_TARGET_DIR:-target}/$folder/hms-$service"
