#!/usr/bin/env bash
# How fast the gateway is beside nginx and HAProxy on this machine (`make bench-gateway`), in one table, which is kept in
# target/bench/gateway.txt. All stand before the same upstream (an nginx that answers 1 KB of JSON over kept-alive
# connections) and get the same request, one after the other, in rounds:
#
#   nginx                 a plain reverse proxy: connections to the upstream kept alive, no access log
#   nginx, limit + auth   the same with limit_req and auth_request, both kept alive
#   haproxy               a plain reverse proxy: connections to the upstream kept alive, no log
#   hms-gateway           with everything on: the JWT (Ed25519, checked with a published key), what is revoked, rate limits,
#                         metrics, and the access log, written to a file
#
# Shown are medians: requests per second, latency, processor time per request of all its processes (/proc/PID/stat),
# resident memory after the load, and the ratio to nginx. It ends with 1 when a request failed; that a budget is missed is
# said, and changes the exit code only with HMS_BENCH_STRICT=1. What it starts is gone afterwards.
#
# `tests/bench-gateway.sh train` measures nothing: it puts on the gateway alone what it is to be fast at, over HTTP and HTTPS, for
# deploy/image/profile.sh.
#
#   PROFILE                dist (default), as images have it; dev only shows that the bench works
#   HMS_BENCH_GATEWAY      a gateway that is built already, instead of building one
#   HMS_BENCH_ROUNDS       3
#   HMS_BENCH_SECONDS      10, of each measurement
#   HMS_BENCH_CONNECTIONS  64
#   HMS_BENCH_PORT         19080; that and the five after it
#   HMS_BENCH_STRICT       0
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

profile=${PROFILE:-dist}
rounds=${HMS_BENCH_ROUNDS:-3}
seconds=${HMS_BENCH_SECONDS:-10}
connections=${HMS_BENCH_CONNECTIONS:-64}
port=${HMS_BENCH_PORT:-19080}
workers=$(nproc)

target=${CARGO_TARGET_DIR:-target}
binary=${HMS_BENCH_GATEWAY:-}
work=$(realpath -m "$target/bench/gateway.$$")
results=$work/results
issuer=https://bench.hms.example
train=false
[ "${1:-}" != train ] || train=true
peers=(nginx nginx_limit_auth haproxy hms_gateway)
declare -A pids=() ports=([upstream]=$port [nginx]=$((port + 1)) [nginx_limit_auth]=$((port + 2))
  [haproxy]=$((port + 3)) [hms_gateway]=$((port + 4)) [tls]=$((port + 5)))

say() { echo "bench: $*" >&2; }
fail() {
  say "$*"
  exit 1
}

# shellcheck disable=SC2317 # called by the trap
clean_up() {
  local name
  for name in "${!pids[@]}"; do kill -TERM "${pids[$name]}" 2>/dev/null || true; done
  for name in "${!pids[@]}"; do wait "${pids[$name]}" 2>/dev/null || true; done
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# --- programs ---------------------------------------------------------------------------------------------

provide_programs() {
  local missing=() program made=false
  for program in nginx haproxy wrk openssl curl; do command -v "$program" >/dev/null || missing+=("$program"); done
  [ ${#missing[@]} -gt 0 ] || return 0
  if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
    fail "${missing[*]} not found; install with: sudo apt-get install -y --no-install-recommends ${missing[*]}"
  fi
  say "installing ${missing[*]}"
  # Debian starts a daemon when it installs one; here only the programs are wanted.
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    made=true
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod 755 /usr/sbin/policy-rc.d
  fi
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]/#nginx/nginx-light}"; } \
    >"$work/install.log" 2>&1 || { tail -n 20 "$work/install.log" >&2 && fail "apt-get could not install ${missing[*]}"; }
  ! $made || rm -f /usr/sbin/policy-rc.d
}

start() {
  local name=$1
  shift
  "$@" >>"$work/$name.out" 2>"$work/$name.err" </dev/null &
  pids[$name]=$!
}

await() {
  local name=$1 tries=200
  until (exec 3<>"/dev/tcp/127.0.0.1/${ports[$name]}") 2>/dev/null; do
    tries=$((tries - 1))
    if [ "$tries" = 0 ] || ! kill -0 "${pids[$name]}" 2>/dev/null; then
      tail -n 20 "$work/$name.err" "$work/$name.out" >&2
      fail "$name did not start"
    fi
    sleep 0.05
  done
}

require_free_ports() {
  local name
  for name in "${!ports[@]}"; do
    ! (exec 3<>"/dev/tcp/127.0.0.1/${ports[$name]}") 2>/dev/null ||
      fail "port ${ports[$name]} is taken by another program; set HMS_BENCH_PORT"
  done
}

# --- what all of them serve -------------------------------------------------------------------------------

base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }

# A key pair, the JWK set that the auth service would publish, and a token of a nurse for an hour.
make_token() {
  local now public header claims
  now=$(date +%s)
  openssl genpkey -algorithm ed25519 -out "$work/key.pem" 2>/dev/null
  public=$(openssl pkey -in "$work/key.pem" -pubout -outform DER | tail -c 32 | base64url)
  jwks="{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"alg\":\"EdDSA\",\"use\":\"sig\",\"kid\":\"bench\",\"x\":\"$public\"}]}"
  header=$(printf '{"alg":"EdDSA","typ":"at+jwt","kid":"bench"}' | base64url)
  claims=$(printf '{"iss":"%s","aud":"hms","sub":"0190163d-8694-739b-aea5-966c26f8ad90","sid":"0190163d-8694-739b-aea5-966c26f8ad91","jti":"0190163d-8694-739b-aea5-966c26f8ad92","iat":%d,"exp":%d,"roles":["nurse"],"scope":"patient:read"}' \
    "$issuer" "$now" $((now + 3600)) | base64url)
  printf '%s.%s' "$header" "$claims" >"$work/signed"
  token=$header.$claims.$(openssl pkeyutl -sign -rawin -inkey "$work/key.pem" -in "$work/signed" | base64url)
}

nginx_conf() {
  local name=$1
  cat <<CONF
daemon off;
worker_processes $workers;
pid $work/$name.pid;
error_log stderr crit;
$([ "$(id -u)" != 0 ] || echo "user root;")
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 300s;
  client_body_temp_path $work/$name.body;
  proxy_temp_path $work/$name.proxy;
  fastcgi_temp_path $work/$name.fastcgi;
  uwsgi_temp_path $work/$name.uwsgi;
  scgi_temp_path $work/$name.scgi;
CONF
  cat
  echo "}"
}

# 1 KB of JSON; and the routes of the auth service that the gateway asks.
upstream_conf() {
  local body
  body="{\"filler\":\"$(head -c 1008 /dev/zero | tr '\0' 'x')\"}"
  nginx_conf upstream <<CONF
  server {
    listen 127.0.0.1:${ports[upstream]} backlog=4096;
    default_type application/json;
    location /api/v1/bench { return 200 '$body'; }
    location = /.well-known/jwks.json { return 200 '$jwks'; }
    location = /api/v1/oauth/token { return 200 '{"access_token":"bench","token_type":"Bearer","expires_in":3600}'; }
    location = /internal/revocations { return 200 '{"position":0,"revoked":[],"complete":true}'; }
    location = /auth { return 204; }
    location = /health { return 200 '{"status":"healthy"}'; }
  }
CONF
}

# A proxy_set_header in a location takes away all inherited ones, the Connection header among them: they stand together.
nginx_peer_conf() {
  local name=$1 extra=${2:-} zone=${3:-}
  nginx_conf "$name" <<CONF
  upstream up { server 127.0.0.1:${ports[upstream]}; keepalive 128; keepalive_requests 1000000000; }
  $zone
  server {
    listen 127.0.0.1:${ports[$name]} backlog=4096;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    location / {
      $extra
      proxy_pass http://up;
    }
    location = /auth {
      internal;
      proxy_pass http://up/auth;
      proxy_pass_request_body off;
      proxy_set_header Connection "";
      proxy_set_header Content-Length "";
    }
  }
CONF
}

haproxy_conf() {
  cat <<CONF
global
  nbthread $workers
  maxconn 8192
defaults
  mode http
  timeout connect 5s
  timeout client 300s
  timeout server 300s
  option http-keep-alive
  http-reuse always
frontend front
  bind 127.0.0.1:${ports[haproxy]}
  default_backend back
backend back
  server up 127.0.0.1:${ports[upstream]} pool-max-conn 256
CONF
}

start_all() {
  start_upstream
  nginx_peer_conf nginx >"$work/nginx.conf"
  start nginx nginx -p "$work" -c "$work/nginx.conf"
  # Limits that count and never refuse, as the gateway's here.
  # shellcheck disable=SC2016 # the variable is nginx's
  nginx_peer_conf nginx_limit_auth 'auth_request /auth; limit_req zone=clients burst=1000000 nodelay;' \
    'limit_req_zone $http_authorization zone=clients:10m rate=1000000r/s;' >"$work/nginx_limit_auth.conf"
  start nginx_limit_auth nginx -p "$work" -c "$work/nginx_limit_auth.conf"
  haproxy_conf >"$work/haproxy.conf"
  start haproxy haproxy -db -f "$work/haproxy.conf"
  start_gateway
  local name
  for name in upstream "${peers[@]}"; do await "$name"; done
}

start_upstream() {
  upstream_conf >"$work/upstream.conf"
  start upstream nginx -p "$work" -c "$work/upstream.conf"
}

# With the settings that are given besides.
start_gateway() {
  printf '[[upstream]]\nname = "bench"\nurl = "http://127.0.0.1:%s"\nresources = ["bench"]\n' "${ports[upstream]}" >"$work/routes.toml"
  printf '[[limit]]\nplan = "default"\nper_minute = 4000000000\nper_hour = 4000000000\n' >"$work/limits.toml"
  start hms_gateway env -i PATH="$PATH" HMS_DATA_DIR="$work" HMS_PORT_OFFSET=$((ports[hms_gateway] - 8080)) \
    HMS_WORKERS="$workers" HMS_ROUTES="$work/routes.toml" HMS_LIMITS="$work/limits.toml" HMS_PUBLIC_URL="$issuer" \
    AUTH_URL="http://127.0.0.1:${ports[upstream]}" HMS_CLIENT_SECRET=bench "$@" "$binary"
}

# --- measuring --------------------------------------------------------------------------------------------

# A process and those it has started.
family() {
  local pid=$1 child children
  echo "$pid"
  read -r -a children < <(cat "/proc/$pid/task/"*/children 2>/dev/null | tr '\n' ' ') || true
  for child in "${children[@]}"; do family "$child"; done
}

cpu_ticks() {
  local pid sum=0 stat
  for pid in $(family "$1"); do
    stat=$(sed 's/.*) //' "/proc/$pid/stat")
    # shellcheck disable=SC2086 # words are wanted
    set -- $stat
    sum=$((sum + ${12} + ${13}))
  done
  echo "$sum"
}

resident_kb() {
  local pid
  for pid in $(family "$1"); do sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status"; done |
    awk '{ sum += $1 } END { print sum + 0 }'
}

load() {
  local name=$1 duration=$2
  wrk -t"$workers" -c"$connections" -d"${duration}s" --latency -H "Authorization: Bearer $token" \
    "http://127.0.0.1:${ports[$name]}/api/v1/bench"
}

# One answer, looked at closely: all must give the same.
check() {
  local name=$1 answer
  answer=$(curl_like "$name")
  [[ $answer == *" 200 "*filler* ]] || fail "$name does not answer as it should: ${answer:0:300}"
}
curl_like() (
  exec 3<>"/dev/tcp/127.0.0.1/${ports[$1]}"
  printf 'GET /api/v1/bench HTTP/1.1\r\nHost: bench\r\nConnection: close\r\nAuthorization: Bearer %s\r\n\r\n' "$token" >&3
  timeout 5 cat <&3 | tr -d '\0' | tr '\r\n' '  '
)

measure() {
  local name=$1 before after report
  : >"$work/hms_gateway.out" # a line for each request: enough to fill a disk
  before=$(cpu_ticks "${pids[$name]}")
  report=$(load "$name" "$seconds")
  after=$(cpu_ticks "${pids[$name]}")
  report=$(echo "$report" | awk -v ticks=$((after - before)) -v hz="$(getconf CLK_TCK)" -v kb="$(resident_kb "${pids[$name]}")" '
    function ms(text) { return text ~ /us$/ ? text / 1000 : text ~ /ms$/ ? text + 0 : text * 1000 }
    $1 == "50%" { p50 = ms($2) }
    $1 == "99%" { p99 = ms($2) }
    $2 == "requests" && $3 == "in" { requests = $1 }
    $1 == "Requests/sec:" { rate = $2 }
    /Non-2xx/ { failed += $NF }
    /Socket errors/ { gsub(/,/, ""); failed += $4 + $6 + $8 + $10 }
    END {
      printf "per_s=%.0f p50=%.3f p99=%.3f cpu_us=%.2f mb=%.1f failed=%d requests=%d",
        rate, p50, p99, ticks / hz * 1000000 / (requests ? requests : 1), kb / 1024, failed, requests
    }')
  say "$name: $report"
  echo "$name $report" >>"$results"
}

table() {
  local cpu
  cpu=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1)
  echo "HMS gateway $(git describe --always --dirty), profile $profile, $(date -u '+%Y-%m-%d %H:%M') UTC"
  echo "$(nproc) cores (${cpu:-$(uname -m)}), Linux $(uname -r), $(nginx -v 2>&1 | cut -d/ -f2 | sed 's/^/nginx /'), $(haproxy -v | cut -d' ' -f1,3 | head -n 1)"
  echo "$connections connections, 1 KB of JSON, $workers threads each; load generator and upstream on the same machine;"
  echo "medians of $rounds interleaved rounds of $seconds s."
  [ "$profile" != dev ] || echo "A DEBUG BUILD: the figures say nothing about speed."
  echo
  awk -v strict="${HMS_BENCH_STRICT:-0}" -v reasons=tests/peers/in-the-way.txt '
    BEGIN {
      FS = "\t"
      while ((getline < reasons) > 0) reason[$1] = "      " $2 "\n      Tried: " $3 "\n"
      FS = " "
    }
    {
      name = $1
      if (!(name in rounds)) names[++count] = name
      round = ++rounds[name]
      for (i = 2; i <= NF; i++) { split($i, pair, "="); value[name, pair[1], round] = pair[2] }
      failed += value[name, "failed", round]
    }
    function median(name, what,    sorted, n, i, j, t) {
      n = rounds[name]
      for (i = 1; i <= n; i++) sorted[i] = value[name, what, i] + 0
      for (i = 2; i <= n; i++) for (j = i; j > 1 && sorted[j] < sorted[j - 1]; j--) { t = sorted[j]; sorted[j] = sorted[j - 1]; sorted[j - 1] = t }
      return n % 2 ? sorted[(n + 1) / 2] : (sorted[n / 2] + sorted[n / 2 + 1]) / 2
    }
    function budget(what, is, must, above) {
      reached = above ? is >= must : is <= must
      missed += !reached
      printf "%-64s %8.2f  must be %s %.2f: %s\n", what, is, above ? ">=" : "<=", must, reached ? "reached" : "MISSED"
      if (!reached) printf "%s", reason[what]
    }
    END {
      label["nginx"] = "nginx, plain"
      label["nginx_limit_auth"] = "nginx, limit_req + auth_request"
      label["haproxy"] = "HAProxy, plain"
      label["hms_gateway"] = "hms-gateway, everything on"
      printf "%-32s %11s %8s %8s %12s %8s %9s\n", "", "requests/s", "p50 ms", "p99 ms", "CPU us/req", "RSS MB", "/ nginx"
      for (i = 1; i <= count; i++) {
        n = names[i]
        printf "%-32s %11.0f %8.2f %8.2f %12.1f %8.1f %9.2f\n", label[n], median(n, "per_s"), median(n, "p50"),
          median(n, "p99"), median(n, "cpu_us"), median(n, "mb"), median(n, "per_s") / median("nginx", "per_s")
      }
      print ""
      g = median("hms_gateway", "per_s")
      budget("requests/s, gateway / nginx", g / median("nginx", "per_s"), 0.8, 1)
      budget("requests/s, gateway / nginx with limit_req and auth_request", g / median("nginx_limit_auth", "per_s"), 1.4, 1)
      budget("p99, gateway / nginx", median("hms_gateway", "p99") / median("nginx", "p99"), 1, 0)
      if (failed) { print "\nFAILED REQUESTS: " failed; exit 1 }
      if (missed && strict + 0) exit 1
    }' "$results"
}

# --- training ---------------------------------------------------------------------------------------------

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

mkdir -p "$work"
: >"$results"
provide_programs
[ -n "$binary" ] || binary=$(deploy/image/program.sh gateway)
require_free_ports
make_token
if $train; then
  train
  exit
fi
start_all
for name in "${peers[@]}"; do
  check "$name"
  load "$name" 1 >/dev/null
done
for ((round = 1; round <= rounds; round++)); do
  say "round $round of $rounds"
  for name in "${peers[@]}"; do measure "$name"; done
done
outcome=0
mkdir -p "$target/bench"
table >"$work/table" || outcome=$?
mv "$work/table" "$target/bench/gateway.txt"
cat "$target/bench/gateway.txt"
exit "$outcome"
