#!/usr/bin/env bash
# How fast the platform is on this machine (`make bench`), in one table, which is kept in target/bench/latest.txt. `hms up`
# runs on SQLite and the bus in process, and on PostgreSQL and RabbitMQ; all goes through the gateway. The rows:
#
#   start      from the start until all services answer, on nothing and on what is there already; and the resident memory
#              of that one process, idle, 5 s after its start
#   read       GET /api/v1/patients/{id} (each read is audited), beside pgbench with the select of the row by its key
#   book, register, issue   POST /api/v1/appointments (random practitioners and times), /patients and /billing/invoices
#              (issued at once), with idempotency keys, beside pgbench with the very statements that the services send
#              for them (tests/load/sql)
#   listeners  from a change of the queue until the last of many who listen at GET /api/v1/queue/stream has heard of it
#   slots      GET /api/v1/slots on PostgreSQL, where a hospital of so many schedules has so many days of bookings, and one
#              of a tenth of the schedules
#   events     the relay beside a bare loop that publishes with confirms, and the time from a commit to the consumer's effect
#   identity   sign-ins beside a bare loop of Argon2id with the same parameters on all cores, and checks of tokens on one core
#   webhooks   deliveries to a receiver on this machine, beside a bare loop that signs and posts the same
#
# The rounds are interleaved, and the medians are shown: a machine is not equally fast all the time. Peers are on the same
# server in the same minute.
#
# The settings are those of tests/bench/common.sh (of HMS_BENCH_SECONDS the default is 10), and
#
#   HMS_BENCH_CONNECTIONS     "16 64"
#   HMS_BENCH_STARTS          5, of each kind
#   HMS_BENCH_LISTENERS       1000; the gateway has no more than 1024 streams of a service open
#   HMS_BENCH_CHANGES         30, that they hear of
#   HMS_BENCH_PRACTITIONERS   500, with a schedule, whose free slots are searched
#   HMS_BENCH_DAYS            730, of bookings that each of them has: a large hospital after two years
#   HMS_BENCH_PORT_OFFSET     1000; that and 100 more are the HMS_PORT_OFFSET of the two platforms
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bench=bench
usual_seconds=10
rows=(start read book register issue listeners slots events identity webhooks)
# shellcheck source=tests/bench/common.sh
. tests/bench/common.sh

starts=${HMS_BENCH_STARTS:-5}
listeners=${HMS_BENCH_LISTENERS:-1000}
changes=${HMS_BENCH_CHANGES:-30}
practitioners=${HMS_BENCH_PRACTITIONERS:-500}
days=${HMS_BENCH_DAYS:-730}
offset=${HMS_BENCH_PORT_OFFSET:-1000}
read -r -a connections <<<"${HMS_BENCH_CONNECTIONS:-16 64}"

build() {
  cargo build --profile "$profile" -p hms -p hms-load
  mapfile -t services < <("$binaries/hms-load" services)
}

port_offset() { [ "$1" = embedded ] && echo "$offset" || echo $((offset + 100)); }
gateway() { echo "127.0.0.1:$((8080 + $(port_offset "$1")))"; }
processes() { echo "${pids[$1]}"; }

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
  record "memory $1 idle mb=$(resident_mb "${pids[$1]}")"
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

measure_listeners() {
  local kind=$1 report
  report=$(timeout --foreground 300 "$binaries/hms-load" listeners --gateway "$(gateway "$kind")" \
    --listeners "$listeners" --changes "$changes") || fail_with_log "$kind" "the listeners were not told"
  rest "${pids[$kind]}"
  say "$kind, listeners: $report"
  record "listeners $kind $report"
}

measure_round() {
  local count what
  ! wants events || measure_events
  ! wants identity || measure_identity production
  ! wants webhooks || measure_webhooks production
  for kind in embedded production; do
    ! wants listeners || measure_listeners "$kind"
  done
  for count in "${connections[@]}"; do
    for what in read book register issue; do
      wants "$what" || continue
      load embedded "$what" "$count"
      load production "$what" "$count"
      limit "$what" "$count"
    done
  done
}

# --- slots ------------------------------------------------------------------------------------------------

# After everything else: it makes the calendar of the platform a large one.
measure_slots() {
  local tenth=$(((practitioners + 9) / 10))
  search_slots tenth 0 "$tenth"
  search_slots whole "$tenth" "$practitioners"
}

# Adds practitioners to those that are there, up to so many, and searches.
search_slots() {
  local size=$1 there=$2 wanted=$3 begun filled report
  say "slots: $wanted practitioners with $days days of bookings"
  begun=$(micros)
  "$binaries/hms-load" calendar --database "$(database_url appointment)" \
    --practitioners $((wanted - there)) --days "$days"
  filled=$(as_seconds $(($(micros) - begun)))
  report=$(timeout --foreground $((seconds + 180)) "$binaries/hms-load" run search --gateway "$(gateway production)" \
    --connections 4 --seconds "$seconds") || fail_with_log production "the search for slots failed"
  say "slots: $report, filled in $filled s"
  record "slots $size practitioners=$wanted days=$days $report"
}

provide_services
build
# Before the platforms are filled, so that each is alone.
for kind in embedded production; do
  ! wants start || measure_start "$kind"
done
if wants read book register issue listeners slots events identity webhooks; then
  for kind in embedded production; do
    launch "$kind"
    say "$kind: filling"
    timeout --foreground 300 "$binaries/hms-load" fill --gateway "$(gateway "$kind")"
    rest "${pids[$kind]}"
  done
  prepare_limit
  for ((round = 1; round <= rounds; round++)); do
    say "round $round of $rounds"
    measure_round
  done
  ! wants slots || measure_slots
fi
show latest.txt tests/load/table.awk -v longest_rest="$longest_rest"
cat "$work/table"
exit "$outcome"
