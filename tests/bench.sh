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

say() { echo "bench: $*" >&2; }
fail() {
  say "$*"
  exit 1
}
fail_with_log() {
  tail -n 20 "$work/$1/log" >&2
  fail "$2"
}
record() { echo "$*" >>"$results"; }
micros() { echo "${EPOCHREALTIME/[.,]/}"; }
as_seconds() { printf '%d.%03d' $(($1 / 1000000)) $(($1 / 1000 % 1000)); }

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

provide_services() {
  if [ -z "${HMS_TEST_POSTGRES_URL:-}" ] || [ -z "${HMS_TEST_AMQP_URL:-}" ]; then
    [ -z "${HMS_TEST_POSTGRES_URL:-}${HMS_TEST_AMQP_URL:-}" ] ||
      fail "set both HMS_TEST_POSTGRES_URL and HMS_TEST_AMQP_URL, or neither"
    if ! deploy/dev/services.sh status >/dev/null; then
      services_are_ours=true
      deploy/dev/services.sh up >&2
    fi
    eval "$(deploy/dev/services.sh env)"
  fi
  amqp_url=$HMS_TEST_AMQP_URL
  postgres_url=$HMS_TEST_POSTGRES_URL
  pgbench=${HMS_PG_BIN:-$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)}/pgbench
  [ -x "$pgbench" ] || fail "pgbench is missing; it is part of Debian's postgresql package (else set HMS_PG_BIN)"
}

# The URL of a service's own database.
database_url() {
  local server=${postgres_url%%\?*}
  echo "${server%/*}/${prefix}_$1${postgres_url#"$server"}"
}

sql() { psql -XAtq -v ON_ERROR_STOP=1 "$1" -c "$2"; }

port_offset() { [ "$1" = embedded ] && echo "$offset" || echo $((offset + 100)); }
gateway() { echo "127.0.0.1:$((8080 + $(port_offset "$1")))"; }

# All settings of a platform, one a line.
settings() {
  local kind=$1 service
  echo "PATH=$PATH"
  echo "HMS_DATA_DIR=$work/$kind/data"
  echo "HMS_PORT_OFFSET=$(port_offset "$kind")"
  echo "HMS_WEBHOOK_ALLOW_HTTP=true" # the receiver is on this machine
  echo "HMS_WEBHOOK_ALLOW_PRIVATE=127.0.0.0/8"
  echo "HMS_RATE_LIMITS=off" # it is one client, who asks as fast as it can
  echo "HMS_ADMIN_EMAIL=$HMS_ADMIN_EMAIL"
  echo "HMS_ADMIN_PASSWORD=$HMS_ADMIN_PASSWORD"
  [ "$kind" = production ] || return 0
  echo "AMQP_URL=$amqp_url"
  echo "HMS_BUS_PREFIX=$prefix"
  for service in "${services[@]}"; do echo "${service^^}_DATABASE_URL=$(database_url "$service")"; done
}

# Starts a platform and sets `took`, in microseconds. It prints the last line of its table of addresses when every
# service has answered it.
launch() {
  local kind=$1 folder=$work/$1 begun line table environment
  mkdir -p "$folder"
  rm -f "$folder/out"
  mkfifo "$folder/out"
  mapfile -t environment < <(settings "$kind")
  begun=$(micros)
  env -i "${environment[@]}" "$binaries/hms" up >"$folder/out" 2>>"$folder/log" </dev/null &
  pids[$kind]=$!
  exec {table}<"$folder/out"
  while IFS= read -r -t 60 line <&"$table"; do
    [ "$line" != "Ctrl-C stops it." ] || break
  done
  took=$(($(micros) - begun))
  # It may still say that it stops: the other end of the pipe stays open.
  cat <&"$table" >/dev/null &
  exec {table}<&-
  [ "${line:-}" = "Ctrl-C stops it." ] || fail_with_log "$kind" "the $kind platform did not start"
}

stop() {
  local pid=${pids[$1]:-} tenths=300
  [ -n "$pid" ] || return 0
  unset "pids[$1]"
  kill -TERM "$pid" 2>/dev/null || true
  while kill -0 "$pid" 2>/dev/null; do
    tenths=$((tenths - 1))
    [ "$tenths" -gt 0 ] || { say "process $pid does not end when asked to" && kill -KILL "$pid"; }
    sleep 0.1
  done
  wait "$pid" || true
}

# All that a platform keeps.
forget() {
  local service name
  rm -rf "$work/$1/data"
  [ "$1" = production ] || return 0
  for service in "${services[@]}" bench_producer bench_consumer; do
    PGOPTIONS='-c client_min_messages=warning' \
      sql "$postgres_url" "DROP DATABASE IF EXISTS \"${prefix}_$service\" WITH (FORCE)"
  done
  for name in "$prefix" "${prefix}_bench"; do AMQP_URL=$amqp_url "$binaries/hms-load" forget "$name"; done
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

# Waits until the process has nothing more to do: a request is answered before its events have had their effect, and
# these would slow down what is measured next. Sets `rested`, in microseconds.
rest() {
  local pid=$1 begun before now
  begun=$(micros)
  now=$(cpu_ticks "$pid")
  while
    before=$now
    rested=$(($(micros) - begun))
    [ "$rested" -lt $((longest_rest * 1000000)) ]
  do
    sleep 0.5
    now=$(cpu_ticks "$pid")
    [ $((now - before)) -gt 2 ] || break
  done
}

cpu_ticks() {
  local stat
  read -r -a stat <"/proc/$1/stat"
  echo $((stat[13] + stat[14]))
}

# --- the limit --------------------------------------------------------------------------------------------

# Ids of the platform's own rows, as an SQL array.
ids() { sql "$(database_url user)" "SELECT 'ARRAY[' || string_agg(quote_literal(id), ',') || ']::uuid[]' FROM $1"; }

# The statements run on tables like the platform's own, with the same indexes, constraints and triggers; the outbox must
# not be the real one, or the platform would publish what pgbench writes.
prepare_limit() {
  local patients
  patients=$(ids patients)
  cat >"$work/read.sql" <<SQL
\set patient random(1, 100)
SELECT * FROM patients WHERE id = ($patients)[:patient];
SQL
  likeness user idempotency_keys patients outbox
  likeness appointment idempotency_keys patients practitioners departments schedules occupancy appointments outbox
  sql "$(database_url appointment)" "
    INSERT INTO bench.patients (id, version, active)
      SELECT CAST(lpad(CAST(number AS text), 32, '0') AS uuid), 1, TRUE FROM generate_series(1, 100) AS number;
    INSERT INTO bench.practitioners (id, version, name, active)
      SELECT CAST(lpad(CAST(number AS text), 32, '0') AS uuid), 1, 'Noor Haddad', TRUE
      FROM generate_series(1, 50) AS number;"
  cp tests/load/sql/register.sql tests/load/sql/book.sql "$work"
}

# Empty tables like those of a service, in the schema bench of its database.
likeness() {
  local url table
  url=$(database_url "$1")
  sql "$url" "CREATE SCHEMA bench"
  for table in "${@:2}"; do
    sql "$url" "CREATE TABLE bench.$table (LIKE $table INCLUDING ALL)"
    sql "$url" "SELECT replace(pg_get_triggerdef(oid), ' ON public.', ' ON bench.') || ';' FROM pg_trigger
      WHERE tgrelid = '$table'::regclass AND NOT tgisinternal" >"$work/triggers.sql"
    psql -XAtq -v ON_ERROR_STOP=1 "$url" -f "$work/triggers.sql"
  done
}

# One second more than the others, for the log-ins of its connections, which it leaves out of its figures.
limit() {
  local what=$1 count=$2 database=user out=$work/pgbench.out latencies tps
  [ "$what" != book ] || database=appointment
  rm -f "$work"/pgbench_log.*
  # No two runs of a booking share a value of `n`, see book.sql.
  PGOPTIONS="-c search_path=$([ "$what" = read ] || echo bench,)public" \
    timeout --foreground $((seconds + 60)) "$pgbench" -n -M prepared -c "$count" -j 2 -T $((seconds + 1)) \
    -D n=$((pgbench_runs++ * 80000)) \
    -f "$work/$what.sql" -l --sampling-rate=0.2 --log-prefix="$work/pgbench_log" \
    "$(database_url "$database")" >"$out" 2>&1 || true
  tps=$(sed -n 's/^tps = \([0-9.]*\).*/\1/p' "$out")
  # Without a figure, or with clients that gave up, there is nothing to compare with.
  if [ -z "$tps" ] || grep -q 'aborted' "$out"; then
    cat "$out" >&2
    fail "pgbench failed"
  fi
  latencies=$(cat "$work"/pgbench_log.* | awk '{ print $3 }' | sort -n | awk '
    { all[NR] = $1 }
    function rank(part) { return all[int(NR * part + 0.999999)] / 1000 }
    END { printf "p50_ms=%.3f p99_ms=%.3f", rank(0.5), rank(0.99) }')
  say "pgbench, $what, $count connections: per_s=$tps $latencies"
  record "load pgbench $what $count per_s=$tps $latencies"
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

# --- events -----------------------------------------------------------------------------------------------

# On databases and names of their own; `forget` takes them away.
measure_events() {
  local report
  report=$(AMQP_URL=$amqp_url timeout --foreground $((seconds + 300)) "$binaries/hms-load" events \
    --producer "$(database_url bench_producer)" --consumer "$(database_url bench_consumer)" \
    --prefix "${prefix}_bench" --events "$events" --seconds "$seconds") || fail "the events did not arrive"
  say "events: $report"
  record "events rabbitmq $report"
}

# --- identity ---------------------------------------------------------------------------------------------

measure_webhooks() {
  local report
  report=$(timeout --foreground 300 "$binaries/hms-load" webhooks --gateway "$(gateway production)" \
    --events "$webhooks") || fail_with_log production "the deliveries of webhooks failed"
  rest "${pids[production]}"
  say "webhooks: $report"
  record "webhooks production $report"
}

measure_identity() {
  local report
  report=$(timeout --foreground $((seconds * 3 + 120)) "$binaries/hms-load" identity --gateway "$(gateway production)" \
    --seconds "$seconds") || fail_with_log production "the sign-ins failed"
  rest "${pids[production]}"
  say "identity: $report"
  record "identity production $report"
}

# --- the table --------------------------------------------------------------------------------------------

describe() {
  local cpu memory postgres
  cpu=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1)
  memory=$(awk '/^MemTotal:/ { printf "%.0f GB", $2 / 1048576 }' /proc/meminfo)
  echo "HMS $(git describe --always --dirty), profile $profile, $(date -u '+%Y-%m-%d %H:%M') UTC"
  postgres=$(sql "$postgres_url" 'SHOW server_version' | cut -d' ' -f1)
  echo "$(nproc) cores (${cpu:-$(uname -m)}), $memory, Linux $(uname -r)"
  echo "$(rustc --version | cut -d' ' -f1,2), PostgreSQL $postgres"
  echo "Load generator, platforms, PostgreSQL and RabbitMQ share the machine; medians of $rounds rounds of $seconds s."
  [ "$profile" != dev ] || echo "A DEBUG BUILD: the figures say nothing about speed."
  echo
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
  measure_identity
  measure_webhooks
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
