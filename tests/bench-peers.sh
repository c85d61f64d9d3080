#!/usr/bin/env bash
# HMS beside what others use, on this machine and in one run (`make bench-peers`): every row of the budgets, in one table,
# which is kept in target/bench/peers.txt. HMS runs as it is deployed, each service and the gateway a release process of its
# own, on PostgreSQL and RabbitMQ. Beside it:
#
#   Python    a small FastAPI stack (tests/peers/python-stack): SQLAlchemy 2, asyncpg, uvicorn with 2 workers, behind nginx,
#             on the same PostgreSQL
#   limit     pgbench: of a read the select by key, of a write the very statements that HMS sends, of lists and searches those of
#             the Python stack; of a sign-in a bare loop of Argon2id
#   nginx, HAProxy   of the gateway: tests/bench-gateway.sh, whose table is the last one
#
# Besides: what a storm of sign-ins costs other requests of HMS. The measurements of one row follow each other at once, in
# rounds. Processor time is that of all processes of a side and of PostgreSQL, from the first request until nothing is left to
# do. Ends with 1 when a request failed; a missed budget is said, with what tests/peers/in-the-way.txt knows of it.
#
# The settings are those of tests/bench/common.sh (of HMS_BENCH_SECONDS the default is 3), and
#
#   HMS_BENCH_CONNECTIONS       16
#   HMS_BENCH_PEOPLE            10000, the patients of both
#   HMS_BENCH_PEOPLE_LARGE      100000, to which they grow at the end; 1000000 takes some minutes more, 0 leaves it out
#   HMS_BENCH_DOCTORS           1000
#   HMS_BENCH_STORM             64, who sign in at the same time
#   HMS_BENCH_PORT_OFFSET       1200; the HMS_PORT_OFFSET of HMS, and 90 more of `hms up`
#   HMS_BENCH_PORT              19200; that and the one after it are the Python stack's
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bench=peers
usual_seconds=3
# The costly ones of the requests last, so that their events do not lie in the way of the others.
rows=(embedded race read list find sign-in register book storm events webhooks large gateway)
# shellcheck source=tests/bench/common.sh
. tests/bench/common.sh

connections=${HMS_BENCH_CONNECTIONS:-16}
people=${HMS_BENCH_PEOPLE:-10000}
people_large=${HMS_BENCH_PEOPLE_LARGE:-100000}
doctors=${HMS_BENCH_DOCTORS:-1000}
storm=${HMS_BENCH_STORM:-64}
offset=${HMS_BENCH_PORT_OFFSET:-1200}
port=${HMS_BENCH_PORT:-19200}
databases+=(python)
declare -A ports=([gateway]=8080)
# The gateway is the program of its image, as tests/bench-gateway.sh has it.
gateway_profile=$([ "$profile" = release ] && echo dist || echo "$profile")

# --- HMS, as it is deployed -------------------------------------------------------------------------------

build() {
  local name port
  cargo build --profile "$profile" --workspace --exclude hms-crash --exclude hms-gateway --bins
  gateway_program=$(PROFILE=$gateway_profile deploy/image/program.sh gateway)
  while read -r name port; do
    services+=("$name")
    ports[$name]=$port
  done < <("$binaries/hms-load" services --ports)
}

program() { [ "$1" = gateway ] && echo "$gateway_program" || echo "$binaries/hms-$1"; }

port_offset() { [ "$1" = hms ] && echo "$offset" || echo $((offset + 90)); }
gateway() { [ "$1" = python ] && echo "127.0.0.1:$port" || echo "127.0.0.1:$((8080 + $(port_offset "$1")))"; }

# The numbers of the processes of a side.
processes() {
  local name
  case $1 in
    hms) for name in "${services[@]}" gateway; do echo "${pids[hms-$name]}"; done ;;
    python) echo "${pids[uvicorn]} ${pids[nginx]}" ;;
    *) echo "${pids[$1]}" ;;
  esac
}

answers() {
  local code
  code=$(curl -s -o /dev/null -m 2 -w '%{http_code}' "http://127.0.0.1:$1$2" || true)
  [ "$code" = 200 ]
}

# Starts each service and the gateway by itself; records how long it took to its first healthy answer.
start_hms() {
  local name begun environment tries
  mkdir -p "$work/hms"
  mapfile -t environment < <(settings hms && allocator_settings)
  for name in "${services[@]}" gateway; do
    begun=$(micros)
    env -i "${environment[@]}" "$(program "$name")" >>"$work/hms/log" 2>&1 </dev/null &
    pids[hms-$name]=$!
    tries=3000
    until answers $((ports[$name] + offset)) /health; do
      tries=$((tries - 1))
      { [ "$tries" -gt 0 ] && kill -0 "${pids[hms-$name]}"; } || fail_with_log hms "hms-$name did not start"
      sleep 0.01
    done
    record "one $name start_s=$(as_seconds $(($(micros) - begun)))"
  done
}

# --- the Python stack -------------------------------------------------------------------------------------

wants_python() { wants race read list find sign-in register book; }

provide_programs() {
  local missing=() program
  for program in nginx curl python3; do command -v "$program" >/dev/null || missing+=("$program"); done
  [ ${#missing[@]} -eq 0 ] || fail "${missing[*]} not found; make bench-gateway installs nginx, Debian has the others"
  wants_python || return 0
  venv=$target/peers-python
  local wanted
  wanted=$(sha256sum tests/peers/python-stack/requirements.txt | cut -d' ' -f1)
  [ "$(cat "$venv/made-of" 2>/dev/null || true)" = "$wanted" ] && return 0
  say "making the Python stack"
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-input -r tests/peers/python-stack/requirements.txt
  echo "$wanted" >"$venv/made-of"
}

start_python() {
  local folder=$work/python tries=300
  mkdir -p "$folder"
  sql "$postgres_url" "CREATE DATABASE \"${prefix}_python\""
  export DATABASE_URL=${postgres_url/#postgres:/postgresql+asyncpg:}
  DATABASE_URL=${DATABASE_URL%/*}/${prefix}_python
  PATIENTS=$people PROVIDERS=$doctors "$venv/bin/python" tests/peers/python-stack/seed.py
  "$venv/bin/uvicorn" --app-dir tests/peers/python-stack main:app --workers 2 --port $((port + 1)) --no-access-log \
    --log-level warning >>"$folder/log" 2>&1 </dev/null &
  pids[uvicorn]=$!
  unset DATABASE_URL
  cat >"$folder/nginx.conf" <<CONF
daemon off;
worker_processes 2;
pid $folder/nginx.pid;
error_log $folder/nginx.log;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path $folder/body; proxy_temp_path $folder/proxy; fastcgi_temp_path $folder/fastcgi;
  uwsgi_temp_path $folder/uwsgi; scgi_temp_path $folder/scgi;
  upstream stack { server 127.0.0.1:$((port + 1)); keepalive 64; }
  server {
    listen 127.0.0.1:$port;
    location / { proxy_pass http://stack; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}
CONF
  nginx -p "$folder" -c "$folder/nginx.conf" >>"$folder/log" 2>&1 </dev/null &
  pids[nginx]=$!
  until answers "$port" /health; do
    tries=$((tries - 1))
    { [ "$tries" -gt 0 ] && kill -0 "${pids[uvicorn]}"; } || fail_with_log python "the Python stack did not start"
    sleep 0.1
  done
}

# --- measuring --------------------------------------------------------------------------------------------

postmaster() { sql "$postgres_url" "SELECT split_part(pg_read_file('postmaster.pid'), E'\n', 1)"; }

# What each process of HMS and its servers have used so far, as `name=ticks`. RabbitMQ is left out where it is not one process
# of this machine.
spent() {
  local name broker
  for name in "${services[@]}" gateway; do echo "$name=$(cpu_ticks "${pids[hms-$name]}")"; done
  echo "postgres=$(family_ticks "$database")"
  broker=$(pgrep -x beam.smp) && [[ $broker != *$'\n'* ]] && echo "rabbitmq=$(cpu_ticks "$broker")"
  return 0
}

# The microseconds that each of them took for one of so many requests, as ` us_name=`, from what was spent before and after.
shares() {
  paste -d= <(echo "$2") <(echo "$3") | awk -F= -v hz="$(getconf CLK_TCK)" -v done="$1" '
    { printf " us_%s=%.1f", $1, ($4 - $2) / hz * 1000000 / (done ? done : 1) }'
}

# A row on one side, with the processor time of a request in milliseconds, the database's included.
measure() {
  local side=$1 what=$2 label=${3:-$2} api=hms own count before after begun ended requests report
  [ "$side" != python ] || api=fastapi
  count=$([ "$what" = sign-in ] && echo 8 || echo "$connections")
  mapfile -t own < <(processes "$side" | tr ' ' '\n')
  local run=("$binaries/hms-load" run "$what" --api "$api" --gateway "$(gateway "$side")" --connections "$count"
    --patients "$people" --practitioners "$doctors" --warm-up 0)
  # The first of its two runs, which is not counted, looks up who is there.
  [ "$side" != hms ] || { rm -f "$work/known" && run+=(--known "$work/known"); }
  : >"$work/$side/log" # a line for each request: enough to fill a disk
  timeout --foreground 120 "${run[@]}" --seconds 1 >/dev/null || fail_with_log "$side" "the load on $side failed"
  rest "${own[@]}"
  begun=$(spent)
  before=$(($(family_ticks "${own[@]}") + $(family_ticks "$database")))
  report=$(timeout --foreground $((seconds + 180)) "${run[@]}" --seconds "$seconds") ||
    fail_with_log "$side" "the load on $side failed"
  rest "${own[@]}"
  after=$(($(family_ticks "${own[@]}") + $(family_ticks "$database")))
  ended=$(spent)
  requests=$(sed -n 's/^per_s=\([0-9.]*\).*/\1/p' <<<"$report" | awk -v seconds="$seconds" '{ print $1 * seconds }')
  report+=$(awk -v ticks=$((after - before)) -v hz="$(getconf CLK_TCK)" -v done="$requests" 'BEGIN {
    printf " cpu_ms=%.3f", ticks / hz * 1000 / (done ? done : 1)
  }')
  [ "$side" != hms ] || report+=$(shares "$requests" "$begun" "$ended")
  report+=" rest_s=$(as_seconds "$rested") mb=$(resident_mb "${own[@]}")"
  say "$side, $label: $report"
  record "load $side $label $count $report"
}

measure_row() {
  local what=$1
  measure hms "$what"
  measure python "$what"
  case $what in
    list | find) limit "$what" "$connections" "$(database_url python)" ;;
    sign-in) measure_identity hms ;;
    *) limit "$what" "$connections" ;;
  esac
}

measure_race() {
  local side=$1 api=$2
  record "race $side $("$binaries/hms-load" race --gateway "$(gateway "$side")" --api "$api")"
}

measure_idle() {
  local name
  sleep 5
  for name in "${services[@]}" gateway; do record "one $name mb=$(resident_mb "${pids[hms-$name]}")"; done
  wants_python || return 0
  # shellcheck disable=SC2046 # numbers
  record "idle python mb=$(resident_mb $(family "${pids[uvicorn]}") $(family "${pids[nginx]}"))"
}

family() {
  local child children
  echo "$1"
  read -r -a children < <(cat "/proc/$1/task/"*/children 2>/dev/null | tr '\n' ' ') || true
  for child in "${children[@]}"; do family "$child"; done
}

measure_embedded() {
  local number
  for number in 1 2 3; do
    rm -rf "$work/embedded/data"
    launch embedded
    record "embedded start s=$(as_seconds "$took")"
    [ "$number" -lt 3 ] || { sleep 5 && record "embedded idle mb=$(resident_mb "${pids[embedded]}")"; }
    stop embedded
  done
}

# What many sign-ins at the same time cost the others, and the memory of the auth service.
measure_storm() {
  local auth=${pids[hms-auth]} before report run
  run=("$binaries/hms-load" storm --gateway "$(gateway hms)" --connections "$storm" --known "$work/known")
  timeout --foreground 180 "${run[@]}" --seconds 1 >/dev/null || fail_with_log hms "the storm of sign-ins failed"
  # shellcheck disable=SC2046 # numbers
  rest $(processes hms)
  # The most that it has had counts from here on; where that cannot be said, from its start on.
  { echo 5 >"/proc/$auth/clear_refs"; } 2>/dev/null || say "the memory of auth is the most since its start"
  before=$(resident_mb "$auth")
  report=$(timeout --foreground $((seconds * 2 + 180)) "${run[@]}" --seconds "$seconds") ||
    fail_with_log hms "the storm of sign-ins failed"
  # shellcheck disable=SC2046 # numbers
  rest $(processes hms)
  report+=" before_mb=$before after_mb=$(resident_mb "$auth")"
  report+=" most_mb=$(awk '/^VmHWM:/ { printf "%.1f", $2 / 1024 }' "/proc/$auth/status")"
  say "storm: $report"
  record "storm hms connections=$storm $report"
}

# The same rows again with ten times as many patients, or a hundred times.
measure_large() {
  [ "$people_large" -gt "$people" ] || return 0
  say "growing to $people_large patients"
  "$binaries/hms-load" crowd --database "$(database_url user)" --patients $((people_large - people))
  local what
  for what in read list find; do measure hms "$what" "$what-large"; done
}

measure_round() {
  local row
  for row in read list find sign-in register book; do
    ! wants "$row" || measure_row "$row"
  done
  ! wants storm || measure_storm
  ! wants events || measure_events
  ! wants webhooks || measure_webhooks hms
}

measure_platforms() {
  local round side
  start_hms
  say "filling HMS with $people patients and $doctors practitioners"
  timeout --foreground 600 "$binaries/hms-load" fill --gateway "$(gateway hms)" --patients "$people" \
    --practitioners "$doctors"
  # shellcheck disable=SC2046 # numbers
  rest $(processes hms)
  ! wants_python || start_python
  measure_idle
  prepare_limit
  cp tests/peers/python-stack/pgbench/*.sql "$work"
  for side in "hms hms" "python fastapi"; do
    # shellcheck disable=SC2086 # two words
    ! wants race || measure_race $side
  done
  for ((round = 1; round <= rounds; round++)); do
    say "round $round of $rounds"
    measure_round
  done
  ! wants large || measure_large
}

provide_services
provide_programs
build
database=$(postmaster)
! wants embedded || measure_embedded
! wants race read list find sign-in register book storm events webhooks large || measure_platforms
show peers.txt tests/peers/table.awk -v people="$people" -v large="$people_large" -v reasons=tests/peers/in-the-way.txt
if wants gateway; then
  # Its table is made on a machine that has nothing else to do.
  for side in "${!pids[@]}"; do stop "$side"; done
  PROFILE=$gateway_profile HMS_BENCH_GATEWAY=$gateway_program HMS_BENCH_ROUNDS=$rounds HMS_BENCH_SECONDS=$seconds tests/bench-gateway.sh >"$work/gateway" || outcome=$?
  { echo && cat "$work/gateway"; } >>"$target/bench/peers.txt"
fi
cat "$target/bench/peers.txt"
exit "$outcome"
