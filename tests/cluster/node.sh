#!/usr/bin/env bash
# Runs a program as root on a node of its own: a network namespace, with mounts and processes of its own, so that all that it
# starts and wires is gone when it ends, however it ends. Installs nftables and iproute2 where they are missing (Debian).
#
#   tests/cluster/node.sh PROGRAM [ARGUMENT …]
set -euo pipefail

fail() {
  echo "node: $*" >&2
  exit 1
}
[ $# -ge 1 ] || fail "PROGRAM [ARGUMENT …]"
[ "$(id -u)" = 0 ] || fail "needs root"

missing=()
command -v nft >/dev/null || missing+=(nftables)
command -v ip >/dev/null || missing+=(iproute2)
if [ ${#missing[@]} -gt 0 ]; then
  command -v apt-get >/dev/null || fail "${missing[*]} is missing, and this is no Debian"
  {
    apt-get update
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${missing[@]}"
  } >/dev/null || fail "apt-get could not install ${missing[*]}"
fi

# The manifests are read there by what comes from PyPI, which cannot be had on a node.
"$(dirname "$0")/../deploy/check.sh" tools

# The shell is the first process there: it takes the ends of those whose parents are gone.
exec unshare --net --mount --pid --fork --kill-child --mount-proc -- bash -euc '
  ip link set lo up
  echo 1 >/proc/sys/net/ipv4/ip_forward
  mkdir -p /run/netns
  mount -t tmpfs names /run/netns
  "$@" &
  wait $!
' node "$@"
