# What the benches share: settings, saying things, servers, databases, processor time. To be sourced from the root of the
# repository by a bench that has set `bench` (its name), `usual_seconds`, and `rows` (what it measures).
#
#   PROFILE                   release (default); dev only shows that the bench works
#   HMS_BENCH_ROWS            some of the rows, such as "book slots"; all unless it is set
#   HMS_BENCH_ROUNDS          3
#   HMS_BENCH_SECONDS         of each measurement
#   HMS_BENCH_EVENTS          20000, sent through the bus at full speed
#   HMS_BENCH_WEBHOOKS        2000, delivered to a receiver on this machine
#   HMS_BENCH_REST            60, the longest to wait for the events of one measurement before the next
#   HMS_TEST_POSTGRES_URL     a PostgreSQL and ...
#   HMS_TEST_AMQP_URL         ... a RabbitMQ to use; without both, those of deploy/dev/services.sh
#
# What a bench starts is gone afterwards, and so are its databases and queues.
# shellcheck shell=bash disable=SC2034,SC2154 # what is set here is used there, and the other way round

profile=${PROFILE:-release}
rounds=${HMS_BENCH_ROUNDS:-3}
seconds=${HMS_BENCH_SECONDS:-$usual_seconds}
events=${HMS_BENCH_EVENTS:-20000}
webhooks=${HMS_BENCH_WEBHOOKS:-2000}
longest_rest=${HMS_BENCH_REST:-60}

target=${CARGO_TARGET_DIR:-target}
binaries=$target/$([ "$profile" = dev ] && echo debug || echo "$profile")
work=$(realpath -m "$target/bench/$bench.$$")
results=$work/results
prefix=hms_${bench}_$(date +%s)_$$
# Beside those of the services.
databases=(bench_producer bench_consumer)
services_are_ours=false
services=()
declare -A pids=()
# Whom the platforms make, and whom hms-load signs in as.
HMS_ADMIN_EMAIL=admin@hms.local
HMS_ADMIN_PASSWORD=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
export HMS_ADMIN_EMAIL HMS_ADMIN_PASSWORD
# Each of many listeners is an open file, or three.
ulimit -n "$(ulimit -Hn)"

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

# Whether any of these rows is to be measured.
wants() {
  local row
  [ -n "${HMS_BENCH_ROWS:-}" ] || return 0
  for row in "$@"; do [[ " $HMS_BENCH_ROWS " != *" $row "* ]] || return 0; done
  return 1
}

check_rows() {
  local row
  for row in ${HMS_BENCH_ROWS:-}; do
    [[ " ${rows[*]} " == *" $row "* ]] || fail "HMS_BENCH_ROWS: there is no row '$row', but ${rows[*]}"
  done
}

# shellcheck disable=SC2317 # called by the trap
clean_up() {
  local name
  for name in "${!pids[@]}"; do stop "$name" || true; done
  [ ${#services[@]} -eq 0 ] || forget_servers || say "databases or queues named $prefix are left behind"
  ! $services_are_ours || deploy/dev/services.sh down >&2
  rm -rf "$work"
}

# --- servers ----------------------------------------------------------------------------------------------

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

# The settings of whom the platforms make as admin and hms-load signs in as, and of what the bench needs to be let do.
bench_settings() {
  echo "PATH=$PATH"
  echo "HMS_WEBHOOK_ALLOW_HTTP=true" # the receiver is on this machine
  echo "HMS_WEBHOOK_ALLOW_PRIVATE=127.0.0.0/8"
  echo "HMS_RATE_LIMITS=off" # it is one client, who asks as fast as it can ...
  echo "HMS_MAX_CONNECTIONS_PER_ADDRESS=4000" # ... and listens on many connections
  echo "HMS_ADMIN_EMAIL=$HMS_ADMIN_EMAIL"
  echo "HMS_ADMIN_PASSWORD=$HMS_ADMIN_PASSWORD"
}

# All settings of a platform, one a line.
settings() {
  bench_settings
  echo "HMS_DATA_DIR=$work/$1/data"
  echo "HMS_PORT_OFFSET=$(port_offset "$1")"
  [ "$1" = embedded ] || server_settings
}

# What the images say to the C library's allocator, one a line.
allocator_settings() { sed -n 's/^ENV \(MALLOC_.*\)/\1/p' deploy/image/Dockerfile | tr ' ' '\n'; }

# Where a platform on PostgreSQL and RabbitMQ keeps what it knows.
server_settings() {
  local service
  echo "AMQP_URL=$amqp_url"
  echo "HMS_BUS_PREFIX=$prefix"
  for service in "${services[@]}"; do echo "${service^^}_DATABASE_URL=$(database_url "$service")"; done
}

# All that it and the events of the bench have left there.
forget_servers() {
  local service name
  for service in "${services[@]}" "${databases[@]}"; do
    PGOPTIONS='-c client_min_messages=warning' \
      sql "$postgres_url" "DROP DATABASE IF EXISTS \"${prefix}_$service\" WITH (FORCE)"
  done
  for name in "$prefix" "${prefix}_bench"; do AMQP_URL=$amqp_url "$binaries/hms-load" forget "$name"; done
}

sql() { psql -XAtq -v ON_ERROR_STOP=1 "$1" -c "$2"; }

# --- processor time ---------------------------------------------------------------------------------------

# Waits until processes have nothing more to do: a request is answered before its events have had their effect, and
# these would slow down what is measured next. Sets `rested`, in microseconds.
rest() {
  local begun before now
  begun=$(micros)
  now=$(cpu_ticks "$@")
  while
    before=$now
    rested=$(($(micros) - begun))
    [ "$rested" -lt $((longest_rest * 1000000)) ]
  do
    sleep 0.5
    now=$(cpu_ticks "$@")
    [ $((now - before)) -gt $((2 + $# / 2)) ] || break
  done
}

# What these processes have used so far, together.
cpu_ticks() {
  local pid stat sum=0
  for pid in "$@"; do
    read -r -a stat <"/proc/$pid/stat"
    sum=$((sum + stat[13] + stat[14]))
  done
  echo "$sum"
}

# The same with all that they have started, whether it still runs or not.
family_ticks() {
  local pid child children stat sum=0
  for pid in "$@"; do
    stat=$(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null) || continue
    # shellcheck disable=SC2206 # words are wanted
    stat=($stat)
    sum=$((sum + stat[11] + stat[12] + stat[13] + stat[14]))
    read -r -a children < <(cat "/proc/$pid/task/"*/children 2>/dev/null | tr '\n' ' ') || true
    for child in "${children[@]}"; do sum=$((sum + $(family_ticks "$child"))); done
  done
  echo "$sum"
}

resident_mb() {
  local pid
  for pid in "$@"; do sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status"; done |
    awk '{ sum += $1 } END { printf "%.1f", sum / 1024 }'
}

# --- the head of a table ----------------------------------------------------------------------------------

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

# Shows the table of what was measured, made by this program with these variables, and keeps it in a file; sets `outcome`.
show() {
  local file=$1 program=$2
  outcome=0
  { describe && awk "${@:3}" -f "$program" "$results"; } >"$work/table" || outcome=$?
  cp "$work/table" "$target/bench/$file"
}

# --- the beginning ----------------------------------------------------------------------------------------

# shellcheck source=tests/bench/limit.sh
. tests/bench/limit.sh
# shellcheck source=tests/bench/platform.sh
. tests/bench/platform.sh
# shellcheck source=tests/bench/measures.sh
. tests/bench/measures.sh

check_rows
mkdir -p "$work"
: >"$results"
trap clean_up EXIT
trap 'exit 130' INT TERM
