#!/usr/bin/env bash
# Finds out which ways through the gateway are the busy ones, and writes them to gateway/hms-gateway.profdata, by which
# deploy/image/program.sh lays it out (`make profile-gateway`). Worth doing when rustc or a library of the gateway has another
# version, or much of the gateway has changed; `make bench-gateway` tells whether it was.
#
# It builds a gateway that counts, puts the load of `tests/bench/train-gateway.sh` on it, and sums the counts up with LLVM's
# llvm-profdata, which must be of the version that rustc is built on: as root on Debian it is installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

say() { echo "profile: $*" >&2; }
fail() {
  say "$*"
  exit 1
}

llvm=$(rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
find_profdata() { profdata=$(command -v "llvm-profdata-$llvm" || echo "/usr/lib/llvm-$llvm/bin/llvm-profdata"); [ -x "$profdata" ]; }
if ! find_profdata; then
  if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
    fail "llvm-profdata of LLVM $llvm not found; install with: sudo apt-get install -y --no-install-recommends llvm-$llvm"
  fi
  say "installing llvm-$llvm"
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "llvm-$llvm"; } >/dev/null
  find_profdata || fail "llvm-profdata is still missing after the installation of llvm-$llvm"
fi

counts=$(mktemp -d)
trap 'rm -rf "$counts"' EXIT
target=$(rustc --print host-tuple)
folder=${CARGO_TARGET_DIR:-target}/counting
# What is built with it for the build itself counts nothing, since the target is named.
CARGO_ENCODED_RUSTFLAGS=-Cprofile-generate=$counts \
  cargo build --profile dist --locked -p hms-gateway --target "$target" --target-dir "$folder"
LLVM_PROFILE_FILE=$counts/%p-%m.profraw HMS_BENCH_GATEWAY=$folder/$target/dist/hms-gateway tests/bench/train-gateway.sh
"$profdata" merge --sparse -o gateway/hms-gateway.profdata "$counts"/*.profraw
say "gateway/hms-gateway.profdata: $(du -k gateway/hms-gateway.profdata | cut -f1) KB"
