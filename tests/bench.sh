#!/usr/bin/env bash
# How fast the platform is on this machine (`make bench`), in one table, which is kept in target/bench/latest.txt:
#
#   - from the start of `hms up` until all services answer, on nothing and on what is there already;
#   - resident memory of that one process, idle, 5 s after its start;
#   - GET /api/v1/patients/{id} (each read is audited) and POST /api/v1/appointments (random practitioners and times,
#     with an idempotency key) through the gateway;
#   - the same on SQLite and the bus in process, and on PostgreSQL and RabbitMQ;
#   - both writes beside pgbench with the very statements that the services send for them (tests/load/sql);
#   - the relay beside a bare loop that publishes with confirms, and the time from a commit to the consumer's effect;
#   - sign-ins beside a bare loop of Argon2id with the same parameters on all cores, and checks of tokens on one core;
#   - deliveries of webhooks to a receiver on this machine, beside a bare loop that signs and posts the same;
#   - beside the reads pgbench with the select of the row by its key; all on the same server in the same minute;
#   - GET /api/v1/slots on PostgreSQL, where a hospital of so many schedules has so many days of bookings.
#
# The rounds are interleaved, and the medians are shown: a machine is not equally fast all the time. What it starts is
# gone afterwards, and so are its databases and queues.
#
#   PROFILE                   release (default); dev only shows that the bench works
#   HMS_BENCH_ROUNDS          3
#   HMS_BENCH_SECONDS         10, of each measurement
#   HMS_BENCH_CONNECTIONS     "16 64"
#   HMS_BENCH_STARTS          5, of each kind
#   HMS_BENCH_EVENTS          20000, sent through the bus at full speed
#   HMS_BENCH_PRACTITIONERS   50, with a schedule, whose free slots are searched
#   HMS_BENCH_DAYS            60, of bookings that each of them has; 500 and 730 are a large hospital after two years
#   HMS_BENCH_WEBHOOKS        2000, delivered to a receiver on this machine
#   HMS_BENCH_REST            60, the longest to wait for the events of one measurement before the next
#   HMS_BENCH_PORT_OFFSET     1000; that and 100 more are the HMS_PORT_OFFSET of the two platforms
#   HMS_TEST_POSTGRES_URL     a PostgreSQL and ...
#   HMS_TEST_AMQP_URL         ... a RabbitMQ to use; without both, those of deploy/dev/services.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

profile=${PROFILE:-release}
rounds=${HMS_BENCH_ROUNDS:-3}
seconds=${HMS_BENCH_SECONDS:-10}
starts=${HMS_BENCH_STARTS:-5}
longest_rest=${HMS_BENCH_REST:-60}
events=${HMS_BENCH_EVENTS:-20000}
webhooks=${HMS_BENCH_WEBHOOKS:-2000}
practitioners=${HMS_BENCH_PRACTITIONERS:-50}
days=${HMS_BENCH_DAYS:-60}
pgbench_runs=0
offset=${HMS_BENCH_PORT_OFFSET:-1000}
read -r -a connections <<<"${HMS_BENCH_CONNECTIONS:-16 64}"

target=${CARGO_TARGET_DIR:-target}
binaries=$target/$([ "$profile" = dev ] && echo debug || echo "$profile")
work=$target/bench/work.$$
results=$work/results
prefix=hms_bench_$(date +%s)_$$
services_are_ours=false
services=()
declare -A pids=()
# Whom the platforms make, and whom hms-load signs in as.
HMS_ADMIN_EMAIL=admin@hms.local
HMS_ADMIN_PASSWORD=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
export HMS_ADMIN_EMAIL HMS_ADMIN_PASSWORD
# shellcheck source=tests/bench/common.sh
. tests/bench/common.sh
# shellcheck source=tests/bench/limit.sh
. tests/bench/limit.sh
# shellcheck source=tests/bench/platform.sh
. tests/bench/platform.sh
# shellcheck source=tests/bench/measures.sh
. tests/bench/measures.sh

# shellcheck disable=SC2317 # called by the trap
clean_up() {
  local kind
  for kind in "${!pids[@]}"; do stop "$kind" || true; done
  [ ${#services[@]} -eq 0 ] || forget production || say "databases or queues named $prefix are left behind"
  ! $services_are_ours || deploy/dev/services.sh down >&2
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# --- what is measured -------------------------------------------------------------------------------------

build() {
  cargo build --profile "$profile" -p hms -p hms-load
  mapfile -t services < <("$binaries/hms-load" services)
}

port_offset() { [ "$1" = embedded ] && echo "$offset" || echo $((offset + 100)); }
gateway() { echo "127.0.0.1:$((8080 + $(port_offset "$1")))"; }
processes() { echo "${pids[$1]}"; }

# All settings of a platform, one a line.
settings() {
  local kind=$1
  bench_settings
  echo "HMS_DATA_DIR=$work/$kind/data"
  echo "HMS_PORT_OFFSET=$(port_offset "$kind")"
  [ "$kind" = embedded ] || server_settings
}

# All that a platform keeps.
forget() {
  rm -rf "$work/$1/data"
  [ "$1" = embedded ] || forget_servers
}

# --- start and memory -------------------------------------------------------------------------------------

measure_start() {
  local kind=$1 number
  say "$kind: $starts starts on nothing and $starts on what is there"
  for ((number = 0; number < starts; number++)); do
    forget "$kind"
    launch "$kind"
    record "start $kind on_nothing s=$(as_seconds "$took")"
    stop "$kind"
    launch "$kind"
    record "start $kind on_existing s=$(as_seconds "$took")"
    [ $((number + 1)) -lt "$starts" ] || measure_memory "$kind"
    stop "$kind"
  done
}

measure_memory() {
  sleep 5
  record "memory $1 idle mb=$(awk '/^VmRSS:/ { printf "%.1f", $2 / 1024 }' "/proc/${pids[$1]}/status")"
}

# --- load -------------------------------------------------------------------------------------------------

load() {
  local kind=$1 what=$2 count=$3 report
  : >"$work/$kind/log" # a line for each request: enough to fill a disk
  report=$(timeout --foreground $((seconds + 180)) "$binaries/hms-load" run "$what" --gateway "$(gateway "$kind")" \
    --connections "$count" --seconds "$seconds") || fail_with_log "$kind" "the load on the $kind platform failed"
  kill -0 "${pids[$kind]}" || fail_with_log "$kind" "the $kind platform has ended by itself"
  rest "${pids[$kind]}"
  say "$kind, $what, $count connections: $report, at rest after $(as_seconds "$rested") s"
  record "load $kind $what $count $report rest_s=$(as_seconds "$rested")"
}

# --- slots ------------------------------------------------------------------------------------------------

# After everything else: it makes the calendar of the platform a large one.
measure_slots() {
  local report
  say "slots: $practitioners practitioners with $days days of bookings"
  "$binaries/hms-load" calendar --database "$(database_url appointment)" --practitioners "$practitioners" --days "$days"
  report=$(timeout --foreground $((seconds + 180)) "$binaries/hms-load" run search --gateway "$(gateway production)" \
    --connections 4 --seconds "$seconds") || fail_with_log production "the search for slots failed"
  say "slots: $report"
  record "slots search practitioners=$practitioners days=$days $report"
}

provide_services
build
mkdir -p "$work"
: >"$results"
# Before the platforms are filled, so that each is alone.
for kind in embedded production; do measure_start "$kind"; done
for kind in embedded production; do
  launch "$kind"
  say "$kind: filling"
  timeout --foreground 300 "$binaries/hms-load" fill --gateway "$(gateway "$kind")"
  rest "${pids[$kind]}"
done
prepare_limit
for ((round = 1; round <= rounds; round++)); do
  say "round $round of $rounds"
  measure_events
  measure_identity production
  measure_webhooks production
  for count in "${connections[@]}"; do
    for what in read book register; do
      load embedded "$what" "$count"
      load production "$what" "$count"
      limit "$what" "$count"
    done
  done
done
measure_slots
outcome=0
{ describe && awk -v longest_rest="$longest_rest" -f tests/load/table.awk "$results"; } >"$work/table" || outcome=$?
mv "$work/table" "$target/bench/latest.txt"
cat "$target/bench/latest.txt"
exit "$outcome"
