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
# The settings are those of tests/bench/gateway.sh, and
#
#   HMS_BENCH_ROUNDS       3
#   HMS_BENCH_SECONDS      10, of each measurement
#   HMS_BENCH_PORT         19080; that and the four after it
#   HMS_BENCH_STRICT       0
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

rounds=${HMS_BENCH_ROUNDS:-3}
seconds=${HMS_BENCH_SECONDS:-10}
port=${HMS_BENCH_PORT:-19080}
peers=(nginx nginx_limit_auth haproxy hms_gateway)
declare -A ports=([upstream]=$port [nginx]=$((port + 1)) [nginx_limit_auth]=$((port + 2)) [haproxy]=$((port + 3))
  [hms_gateway]=$((port + 4)))
# shellcheck source=tests/bench/gateway.sh
. tests/bench/gateway.sh
results=$work/results

# --- those it is compared with ----------------------------------------------------------------------------

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
  # shellcheck disable=SC2119 # nothing is given besides
  start_gateway
  local name
  for name in upstream "${peers[@]}"; do await "$name"; done
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

prepare nginx haproxy wrk openssl
: >"$results"
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
