#!/usr/bin/env bash
# Every test, on both back ends, with a summary of what ran where (`make test`). Arguments go to the test
# runner: `tests/run.sh -p hms-db`, `tests/run.sh -E 'test(refund)'`.
#
#   HMS_TEST_BACKENDS      sqlite,postgres (default), or one of them; the other's tests are then not run
#   HMS_TEST_POSTGRES_URL  a PostgreSQL and ...
#   HMS_TEST_AMQP_URL      ... a RabbitMQ to use; without both, deploy/dev/services.sh starts private ones
#   NEXTEST_PROFILE        default, or ci
#
# The back end stands in a test's path, as a module or a test file: `sqlite` or `embedded` (SQLite and the
# in-process bus), `postgres` or `production` (PostgreSQL and RabbitMQ).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export HMS_TEST_BACKENDS=${HMS_TEST_BACKENDS:-sqlite,postgres}
export NEXTEST_PROFILE=${NEXTEST_PROFILE:-default}
services=deploy/dev/services.sh
results=$(mktemp)
services_are_ours=false

say() { echo "tests: $*"; }
fail() {
  echo "tests: $*" >&2
  exit 1
}
wants() { [[ ",$HMS_TEST_BACKENDS," == *",$1,"* ]]; }

# shellcheck disable=SC2317 # called by the trap
clean_up() {
  rm -f "$results"
  ! $services_are_ours || "$services" down
}
trap clean_up EXIT
trap 'exit 130' INT TERM

check_backends() {
  local name
  for name in ${HMS_TEST_BACKENDS//,/ }; do
    [[ $name == sqlite || $name == postgres ]] || fail "HMS_TEST_BACKENDS: no back end is called '$name'"
  done
  wants sqlite || wants postgres || fail "HMS_TEST_BACKENDS names no back end"
}

# --- tools and services -----------------------------------------------------------------------------------

choose_runner() {
  if cargo nextest --version >/dev/null 2>&1; then
    runner=nextest
    return
  fi
  say "cargo-nextest is missing; installing it (once, some minutes)"
  # Without optimisation it is built sooner, and waits for tests as well.
  if cargo install cargo-nextest --locked --quiet --debug && cargo nextest --version >/dev/null 2>&1; then
    runner=nextest
  else
    say "cargo-nextest could not be installed; using cargo test: slower, and no limit on a test's time"
    runner=cargo-test
  fi
}

# The tests of several gateways with one Redis start it themselves; without the program they fail.
check_redis() {
  command -v redis-server >/dev/null ||
    say "redis-server is missing: the tests of limits that gateways share will fail (deploy/dev/services.sh up installs it)"
}

provide_services() {
  wants postgres || return 0
  if [ -n "${HMS_TEST_POSTGRES_URL:-}" ] && [ -n "${HMS_TEST_AMQP_URL:-}" ]; then
    say "using the PostgreSQL and RabbitMQ of HMS_TEST_POSTGRES_URL and HMS_TEST_AMQP_URL"
    return
  fi
  [ -z "${HMS_TEST_POSTGRES_URL:-}${HMS_TEST_AMQP_URL:-}" ] ||
    fail "set both HMS_TEST_POSTGRES_URL and HMS_TEST_AMQP_URL, or neither"
  if ! "$services" status >/dev/null; then
    services_are_ours=true
    # Hundreds of databases are made and dropped, and none outlives the tests; those that crash a server start their own.
    HMS_PG_FSYNC=off "$services" up ||
      fail "no PostgreSQL and RabbitMQ, so half of the tests cannot run; HMS_TEST_BACKENDS=sqlite runs the other half"
  fi
  eval "$("$services" env)"
}

# --- running ----------------------------------------------------------------------------------------------

# With one back end only, the other's tests are left out rather than run and passed without doing anything.
left_out() {
  wants sqlite || echo 'sqlite|embedded'
  wants postgres || echo 'postgres|production'
}

run_nextest() {
  local junit=target/nextest/$NEXTEST_PROFILE/junit.xml others filter=() code=0
  others=$(left_out)
  [ -z "$others" ] || filter=(-E "not (test(/(^|::)($others)(::|\$)/) or binary(/^($others)\$/))")
  # Two filter expressions, the caller's and ours, would add up and not narrow: nextest joins them with "or".
  [ -z "$others" ] || [[ " $* " != *" -E "* ]] || fail "-E and HMS_TEST_BACKENDS do not go together"
  rm -f "$junit"
  cargo nextest run --workspace "${filter[@]}" "$@" || code=$?
  [ ! -s "$junit" ] || junit_results <"$junit" >"$results"
  [ $# -gt 0 ] || ignored_tests >>"$results"
  return "$code"
}

# The passwords and addresses that tests use have this word in them. It must not come out of any test; what services log, the
# tests look through themselves.
planted=planted7391
check_secrets() {
  local junit=target/nextest/$NEXTEST_PROFILE/junit.xml
  if [ "$runner" = nextest ] && [ -s "$junit" ] && grep -q "$planted" "$junit"; then
    grep -m 5 "$planted" "$junit" >&2
    fail "a planted secret stands in the output of the tests"
  fi
}

run_cargo_test() {
  local others skip=() name code=0 log
  others=$(left_out)
  for name in ${others//|/ }; do skip+=(--skip "::$name::"); done
  log=$(mktemp)
  cargo test --workspace --lib --bins --tests --no-fail-fast "$@" -- "${skip[@]}" 2>&1 | tee "$log" || code=$?
  cargo_test_results <"$log" >"$results"
  rm -f "$log"
  return "$code"
}

# These print one line a test: `passed binary::path::of::the_test`, or `failed`, or `ignored`.

junit_results() {
  awk '
    function attribute(name) {
      return match($0, " " name "=\"[^\"]*\"") ? substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 4) : ""
    }
    function flush() { if (test != "") print outcome, test; test = "" }
    /^ *<testcase / { flush(); test = attribute("classname") "::" attribute("name"); outcome = "passed" }
    /^ *<(failure|error)[ >]/ { outcome = "failed" }
    END { flush() }'
}

# Those marked #[ignore] do not stand in the JUnit file.
ignored_tests() {
  cargo nextest list --workspace --run-ignored only --message-format oneline 2>/dev/null | sed 's/^/ignored /; s/ /::/2'
}

cargo_test_results() {
  awk '
    $1 == "Running" { file = $2 == "unittests" ? "lib" : $2; gsub(/^.*\/|\.rs$/, "", file) }
    $1 == "test" && $(NF - 1) == "..." {
      print ($NF == "ok" ? "passed" : $NF == "FAILED" ? "failed" : "ignored"), file "::" $2
    }'
}

# --- summary ----------------------------------------------------------------------------------------------

# "12 passed, 1 failed" of the tests whose path has (or, with -v, has not) one of the names.
count() {
  local passed failed
  passed=$(grep "$@" "$results" | grep -c '^passed ' || true)
  failed=$(grep "$@" "$results" | grep -c '^failed ' || true)
  [ "$failed" = 0 ] && echo "$passed passed" || echo "$passed passed, $failed failed"
}

describe() {
  local backend=$1 names=$2
  wants "$backend" && count -E "[ :]($names)(::|\$)" || echo "NOT RUN (HMS_TEST_BACKENDS=$HMS_TEST_BACKENDS)"
}

summarise() {
  local sqlite postgres neither
  if grep -q '^ignored ' "$results"; then
    say "NOT RUN, because marked #[ignore]:"
    sed -n 's/^ignored /  /p' "$results"
  fi
  grep -qE '^(passed|failed) ' "$results" || fail "no test ran"
  sqlite=$(describe sqlite 'sqlite|embedded')
  postgres=$(describe postgres 'postgres|production')
  neither=$(count -vE '[ :](sqlite|embedded|postgres|production)(::|$)')
  say "back end SQLite + in-process bus: $sqlite; PostgreSQL + RabbitMQ: $postgres; independent of the back end: $neither"
}

# A harness that forgot one back end would look like a success.
check_both_ran() {
  [ $# -eq 0 ] && wants sqlite && wants postgres || return 0
  local sqlite postgres
  sqlite=$(count -E '[ :](sqlite|embedded)(::|$)')
  postgres=$(count -E '[ :](postgres|production)(::|$)')
  [[ $sqlite == "0 passed" && $postgres != "0 passed" ]] && fail "no test ran on SQLite"
  [[ $postgres == "0 passed" && $sqlite != "0 passed" ]] && fail "no test ran on PostgreSQL"
  return 0
}

check_backends
choose_runner
provide_services
check_redis
# Tests of the whole platform start programs, which no test target depends on. With the examples, so that they are built as
# the tests will build them: by themselves they would have other features of what they depend on, and all of it be built twice.
cargo build --workspace --bins --examples
outcome=0
if [ "$runner" = nextest ]; then
  run_nextest "$@" || outcome=$?
else
  run_cargo_test "$@" || outcome=$?
fi
summarise
check_both_ran "$@"
check_secrets
exit "$outcome"
