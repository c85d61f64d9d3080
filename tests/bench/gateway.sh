# What the bench of the gateway and its training share: programs, the upstream, the token, the gateway. To be sourced from the root
# of the repository by a script that has set `ports`, a port for each name of what it starts.
#
#   PROFILE                dist (default), as images have it; dev only shows that it works
#   HMS_BENCH_GATEWAY      a gateway that is built already, instead of building one
#   HMS_BENCH_CONNECTIONS  64
#
# What is started is gone afterwards.
# shellcheck shell=bash disable=SC2034,SC2154 # what is set here is used there, and the other way round

profile=${PROFILE:-dist}
connections=${HMS_BENCH_CONNECTIONS:-64}
workers=$(nproc)

target=${CARGO_TARGET_DIR:-target}
binary=${HMS_BENCH_GATEWAY:-}
work=$(realpath -m "$target/bench/gateway.$$")
issuer=https://bench.hms.example
declare -A pids=()

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

# Installs those of these that are missing, where it can.
provide_programs() {
  local missing=() program made=false
  for program in "$@"; do command -v "$program" >/dev/null || missing+=("$program"); done
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

# --- to begin with ----------------------------------------------------------------------------------------

# Makes ready what is needed, these programs among it.
prepare() {
  mkdir -p "$work"
  provide_programs "$@"
  [ -n "$binary" ] || binary=$(deploy/image/program.sh gateway)
  require_free_ports
  make_token
}
