#!/usr/bin/env bash
# What each image weighs and needs (`make bench-images`), in one table, which is kept in target/bench/images.txt: the size of
# the image, packed and unpacked; from its start until it is ready (a new SQLite file each, the median of some starts);
# resident memory, idle and after a load. Each program runs in the root of its image (deploy/image/rootfs.sh), as it would in a
# container, all of them together as a platform. Needs root, wrk, curl and jq.
#
#   PROFILE                dist (default), as images have it; dev only shows that the bench works
#   HMS_BENCH_BINARIES     a folder of programs that are built already, instead of building them
#   HMS_BENCH_STARTS       5, of each program
#   HMS_BENCH_SECONDS      5, of load on each program
#   HMS_BENCH_CONNECTIONS  32
#   HMS_BENCH_PORT_OFFSET  1200
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

starts=${HMS_BENCH_STARTS:-5}
seconds=${HMS_BENCH_SECONDS:-5}
connections=${HMS_BENCH_CONNECTIONS:-32}
offset=${HMS_BENCH_PORT_OFFSET:-1200}
target=${CARGO_TARGET_DIR:-target}
work=$target/bench/images.$$
password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
sealing=$(head -c 32 /dev/urandom | base64)
declare -A pids=() size=() packed=() ready=() idle=() loaded=() asked=()

fail() {
  echo "bench-images: $*" >&2
  exit 1
}
# shellcheck disable=SC2317 # called by the trap
clean_up() {
  for pid in "${pids[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

[ "$(id -u)" = 0 ] || fail "needs root: each program gets a root folder and a user of its own"
for program in wrk curl jq; do command -v "$program" >/dev/null || fail "$program is missing: apt-get install $program"; done
mkdir -p "$work"

# Name and port of each program, from the one list of services; the gateway last.
mapfile -t listed < <(python3 -c '
import runpy
made = runpy.run_path("deploy/generate.py", run_name="list")
for name, port, _ in made["services"](): print(name, port)
print("gateway", made["GATEWAY_PORT"])')

address() { echo "http://127.0.0.1:$(($1 + offset))"; }

build() {
  BINARY=${HMS_BENCH_BINARIES:+$HMS_BENCH_BINARIES/hms-$1} deploy/image/build-root.sh "$1" "$work/$1" >&2
  size[$1]=$(du -sm --apparent-size "$work/$1/root" | cut -f1)
  packed[$1]=$(du -m --apparent-size "$work/$1/hms-$1.oci.tar" | cut -f1)
}

start() {
  local name=$1
  local allocator
  # What the image says to the C library's allocator.
  mapfile -t allocator < <(sed -n 's/^ENV \(MALLOC_.*\)/\1/p' deploy/image/Dockerfile | tr ' ' '\n')
  rm -rf "${work:?}/$name/root/data"/*
  env -i PATH="$PATH" "${allocator[@]}" HMS_BIND=127.0.0.1 HMS_DATA_DIR=/data LOG_FORMAT=json HMS_PORT_OFFSET="$offset" HMS_RATE_LIMITS=off \
    HMS_DRAIN_SECONDS=0 HMS_ADMIN_PASSWORD="$password" HMS_AUTH_KEY="$sealing" HMS_WEBHOOK_KEY="$sealing" \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    deploy/image/rootfs.sh run "$work/$name/root" >"$work/$name/log" 2>&1 &
  pids[$name]=$!
}

# Asks every few milliseconds; prints the milliseconds since a moment of date's.
until_ready() {
  local name=$1 url begun=$3 ended
  url="$(address "$2")/health/ready"
  until [ "$(curl -s -o /dev/null -w '%{http_code}' "$url" || true)" = 200 ]; do
    kill -0 "${pids[$name]}" 2>/dev/null || fail "hms-$name ended: $(tail -n 3 "$work/$name/log")"
    sleep 0.005
  done
  ended=$(date +%s%N)
  echo $(((ended - begun) / 1000000))
}

stop() {
  kill -TERM "${pids[$1]}"
  wait "${pids[$1]}" || true
  unset "pids[$1]"
}

memory() { awk '/^VmRSS/ { printf "%d", $2 / 1024 + 0.5 }' "/proc/${pids[$1]}/status"; }

measure_start() {
  local name=$1 port=$2 round begun
  for ((round = 1; round <= starts; round++)); do
    begun=$(date +%s%N)
    start "$name"
    until_ready "$name" "$port" "$begun" >>"$work/$name/starts"
    [ "$round" = "$starts" ] || stop "$name"
  done
  ready[$name]=$(sort -n "$work/$name/starts" | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }')
}

# The first list of a service, by its own document, that the admin may read; of the gateway, that of patients.
some_list() {
  local name=$1 base path
  [ "$name" != gateway ] || { echo /api/v1/patients; return; }
  base=$(address "$2")
  while read -r path; do
    [ "$(curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $token" "$base$path")" = 200 ] || continue
    echo "$path"
    return
  done < <(curl -s "$base/openapi.json" | jq -r '.paths | to_entries[] | select(.value.get) | .key' |
    grep '^/api/v1/' | grep -v '[{]\|stream\|/me$')
  fail "hms-$name has no list that can be read"
}

load() {
  local name=$1 port=$2 path
  path=$(some_list "$name" "$port")
  wrk -t2 -c"$connections" -d"${seconds}s" -H "Authorization: Bearer $token" "$(address "$port")$path" >"$work/$name/wrk"
  ! grep -q 'Non-2xx' "$work/$name/wrk" || fail "hms-$name refused: $(grep Non-2xx "$work/$name/wrk")"
  asked[$name]=$path
}

for row in "${listed[@]}"; do build "${row% *}"; done
for row in "${listed[@]}"; do measure_start "${row% *}" "${row#* }"; done
sleep 5
for row in "${listed[@]}"; do idle[${row% *}]=$(memory "${row% *}"); done
token=$(jq -n --arg password "$password" '{username: "admin@hms.local", password: $password}' |
  curl -s -H 'content-type: application/json' -d @- "$(address 8000)/api/v1/auth/login" | jq -r .access)
for row in "${listed[@]}"; do
  load "${row% *}" "${row#* }"
  loaded[${row% *}]=$(memory "${row% *}")
done

mkdir -p "$target/bench"
{
  echo "${HMS_BENCH_BINARIES:-profile ${PROFILE:-dist}}; $(nproc) cores; $starts starts; $connections connections for $seconds s"
  printf '%-16s %9s %9s %9s %9s %9s  %s\n' image 'MB packed' unpacked 'ready ms' 'idle MB' loaded 'load: GET'
  for row in "${listed[@]}"; do
    name=${row% *}
    printf '%-16s %9s %9s %9s %9s %9s  %s\n' "hms-$name" "${packed[$name]}" "${size[$name]}" "${ready[$name]}" \
      "${idle[$name]}" "${loaded[$name]}" "${asked[$name]}"
  done
} | tee "$target/bench/images.txt"
