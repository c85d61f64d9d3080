# Events, webhooks and sign-ins, each beside a bare loop. To be sourced after common.sh. `gateway` says where the platform of a
# kind answers, `processes` which ones it has.
# shellcheck shell=bash disable=SC2154 # common.sh and the bench set what is used here

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
  local kind=$1 report
  report=$(timeout --foreground 300 "$binaries/hms-load" webhooks --gateway "$(gateway "$kind")" \
    --events "$webhooks") || fail_with_log "$kind" "the deliveries of webhooks failed"
  # shellcheck disable=SC2046 # numbers
  rest $(processes "$kind")
  say "webhooks: $report"
  record "webhooks $kind $report"
}

measure_identity() {
  local kind=$1 report
  report=$(timeout --foreground $((seconds * 3 + 120)) "$binaries/hms-load" identity --gateway "$(gateway "$kind")" \
    --seconds "$seconds") || fail_with_log "$kind" "the sign-ins failed"
  # shellcheck disable=SC2046 # numbers
  rest $(processes "$kind")
  say "identity: $report"
  record "identity $kind $report"
}
