#!/usr/bin/env bash
# The whole platform in network namespaces, wired as the NetworkPolicies of k8s/overlays/dev have it: the story of the front
# desk, then a rolling update of every service and of the gateway under load (`make test-namespaces`). Needs root; installs
# nftables and iproute2 where they are missing (Debian). tests/cluster/README.md describes it; a shorter form, without the
# update, is a part of the suite.
#
#   PROFILE   dev (default), or another profile of Cargo.toml
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

profile=${PROFILE:-dev}
[ "$(id -u)" = 0 ] || { echo "namespaces: network namespaces need root" >&2; exit 1; }
cargo build --workspace --bins --profile "$profile"
HMS_CLUSTER_LONG=1 exec cargo test --profile "$profile" -p hms-cluster --test story -- --nocapture
