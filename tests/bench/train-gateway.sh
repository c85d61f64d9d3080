#!/usr/bin/env bash
# Puts on the gateway alone what it is to be fast at, over HTTP, HTTPS and HTTP/2, and measures nothing: for
# deploy/image/profile.sh. The settings are those of tests/bench/gateway.sh; LLVM_PROFILE_FILE goes on to the gateway.
#
#   HMS_BENCH_PORT         19080; that and the two after it
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

port=${HMS_BENCH_PORT:-19080}
declare -A ports=([upstream]=$port [hms_gateway]=$((port + 1)) [tls]=$((port + 2)))
# shellcheck source=tests/bench/gateway.sh
. tests/bench/gateway.sh

# What clients send, most of it as most of them do: a token and a body of 1 KB or none, over connections that are kept.
train() {
  local url
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -days 1 \
    -keyout "$work/tls.key" -out "$work/tls.pem" 2>/dev/null
  start_upstream
  start_gateway HMS_TLS_CERT="$work/tls.pem" HMS_TLS_KEY="$work/tls.key" HMS_TLS_PORT="${ports[tls]}" \
    ${LLVM_PROFILE_FILE:+LLVM_PROFILE_FILE="$LLVM_PROFILE_FILE"}
  await hms_gateway
  await tls
  printf 'wrk.method = "POST"\nwrk.body = string.rep("x", 1024)\nwrk.headers["Content-Type"] = "application/json"\n' >"$work/post.lua"
  for url in "http://127.0.0.1:${ports[hms_gateway]}" "https://127.0.0.1:${ports[tls]}"; do
    say "training: $url"
    requests 6 "Authorization: Bearer $token" "$url/api/v1/bench"
    requests 3 "Authorization: Bearer $token" -s "$work/post.lua" "$url/api/v1/bench"
    requests 1 "Accept-Encoding: gzip, br" -H "Authorization: Bearer $token" "$url/api/v1/bench"
    requests 1 "Origin: https://elsewhere.example" "$url/api/v1/bench/0190163d-8694-739b-aea5-966c26f8ad90?page=2"
    requests 1 "Authorization: Bearer ${token}x" "$url/api/v1/bench"
    requests 1 "Accept: */*" "$url/api/v1/nothing"
  done
  # HTTP/2, which wrk does not speak.
  curl -sk --http2 -Z --parallel-max 32 -H "Authorization: Bearer $token" \
    "https://127.0.0.1:${ports[tls]}/api/v1/bench?[1-10000]" 2>"$work/curl.err" >/dev/null ||
    fail "HTTP/2 failed: $(head -c 300 "$work/curl.err")"
  # It writes down what it has counted when it ends.
  kill -TERM "${pids[hms_gateway]}"
  wait "${pids[hms_gateway]}" || fail "the gateway did not end well"
  unset 'pids[hms_gateway]'
}

requests() {
  : >"$work/hms_gateway.out"
  wrk -t"$workers" -c"$connections" -d"${1}s" -H "${@:2}" >/dev/null
}

prepare nginx wrk openssl curl
train
