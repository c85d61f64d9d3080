#!/usr/bin/env bash
# A private PostgreSQL and RabbitMQ for development and tests: on loopback, on ports of their own, in one
# folder, without systemd, as any user or as root. Redis is installed with them and not started: the tests that
# need one start their own.
#
#   services.sh up        install what is missing (only as root, Debian), start what is not running; `up postgres`
#                         and `up rabbitmq` start one of them
#   services.sh down      end exactly the processes that `up` started; the data stays; `down postgres` and
#                         `down rabbitmq` end one of them
#   services.sh crash postgres   end PostgreSQL without a checkpoint, as if it had been killed; `up` recovers it
#   services.sh status    what runs; exit code 0 only when all of it answers
#   services.sh env       the `export` lines that tests read
#   services.sh destroy   down, then delete the folder
#
# Settings, all optional; give the same ones to every call:
#   HMS_INFRA_DIR       the folder                       (default: .infra in the repository)
#   HMS_PG_PORT         PostgreSQL                       (default: 55432)
#   HMS_AMQP_PORT       RabbitMQ, AMQP                   (default: 55672)
#   HMS_AMQP_DIST_PORT  RabbitMQ, Erlang distribution    (default: 55673)
#   HMS_EPMD_PORT       Erlang's port mapper             (default: 54369)
#   HMS_LISTEN          where both listen                (default: 127.0.0.1; 0.0.0.0 only in a network namespace of
#                       their own: their passwords are known)
#   HMS_PG_FSYNC        off: what PostgreSQL has written may be lost with the machine, and only then   (default: on)
#   HMS_PG_BIN          folder with initdb and pg_ctl    (default: Debian's newest)
#   HMS_RABBITMQ_SBIN   folder with rabbitmq-server      (default: Debian's newest)
set -euo pipefail

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
dir=$(realpath -m "${HMS_INFRA_DIR:-$repo/.infra}")
pg_port=${HMS_PG_PORT:-55432}
amqp_port=${HMS_AMQP_PORT:-55672}
dist_port=${HMS_AMQP_DIST_PORT:-55673}
epmd_port=${HMS_EPMD_PORT:-54369}
listen=${HMS_LISTEN:-127.0.0.1}
pg_fsync=${HMS_PG_FSYNC:-on}

postgres_url="postgres://hms:hms@127.0.0.1:$pg_port/postgres"
amqp_url="amqp://guest:guest@127.0.0.1:$amqp_port/%2f"

# --- small helpers ----------------------------------------------------------------------------------------

say() { echo "services: $*"; }
fail() {
  echo "services: $*" >&2
  exit 1
}
is_root() { [ "$(id -u)" = 0 ]; }

# PostgreSQL refuses to run as root, so root hands both services to `nobody`. The fixed working folder keeps
# a daemon from starting in a folder that its user may not enter. Descriptor 9 is our lock: a daemon that
# inherited it would hold the lock for ever. Replaces the shell: for subshells and the background only.
become_user() {
  local home=$1
  shift
  cd /
  if is_root; then
    exec setpriv --reuid=nobody --regid="$(id -g nobody)" --clear-groups env HOME="$home" "$@" 9>&-
  else
    exec env HOME="$home" "$@" 9>&-
  fi
}
as_user() { (become_user "$@"); }

# Root's own repository may lie where `nobody` cannot enter (below /root); the data then needs another place.
choose_reachable_dir() {
  is_root || return 0
  local existing=$dir
  while [ ! -d "$existing" ]; do existing=$(dirname "$existing"); done
  as_user / test -x "$existing" && return 0
  local elsewhere
  elsewhere=/var/tmp/hms-infra-$(printf %s "$dir" | cksum | cut -d' ' -f1)
  [ ! -e "$elsewhere" ] || [ -O "$elsewhere" ] || fail "$elsewhere belongs to somebody else; set HMS_INFRA_DIR"
  dir=$elsewhere
}

# The pid in the first line of a file, if that process lives AND names our folder in its command line or its
# environment. A pid file alone proves nothing: after a crash the number may belong to anybody.
own_pid() {
  local file=$1 folder=$2 pid
  [ -s "$file" ] || return 1
  pid=$(head -n 1 "$file" | tr -cd 0-9)
  [ -n "$pid" ] || return 1
  cat "/proc/$pid/cmdline" "/proc/$pid/environ" 2>/dev/null | tr '\0' '\n' | grep -F -- "$folder" >/dev/null || return 1
  echo "$pid"
}

gone() { ! kill -0 "$1" 2>/dev/null; }

wait_until_gone() {
  local pid=$1 tenths=$2
  until gone "$pid"; do
    [ "$tenths" -gt 0 ] || return 1
    sleep 0.1
    tenths=$((tenths - 1))
  done
}

# Asks, waits a minute, insists.
end_process() {
  local name=$1 pid=$2 signal=$3
  [ -n "$pid" ] || return 0
  kill "-$signal" "$pid" 2>/dev/null || return 0
  wait_until_gone "$pid" 600 && return 0
  say "$name does not end when asked to; killing process $pid"
  kill -KILL "$pid" 2>/dev/null || return 0
  wait_until_gone "$pid" 100 || fail "$name (process $pid) does not end"
}

port_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

require_free_port() {
  local port=$1 what=$2 setting=$3
  ! port_open "$port" || fail "port $port, meant for $what, is taken by another program; set $setting"
}

# A failed start is explained by its log, so show it where the failure is seen.
fail_with_log() {
  local message=$1 log=$2
  {
    echo "services: $message"
    echo "--- the end of $log"
    tail -n 30 "$log" 2>/dev/null || echo "(there is no such file)"
  } >&2
  exit 1
}

# --- installation -----------------------------------------------------------------------------------------

newest() { printf '%s\n' "$@" | sort -V | tail -n 1; }

# An existing data folder must be opened by the major version that made it.
find_postgres() {
  local version
  if [ -n "${HMS_PG_BIN:-}" ]; then
    pg_bin=$HMS_PG_BIN
  elif [ -s "$dir/pg/data/PG_VERSION" ]; then
    version=$(cat "$dir/pg/data/PG_VERSION")
    pg_bin=/usr/lib/postgresql/$version/bin
  else
    pg_bin=$(newest /usr/lib/postgresql/*/bin)
  fi
  [ -x "$pg_bin/initdb" ] && [ -x "$pg_bin/pg_ctl" ] && command -v psql >/dev/null
}

# Not the wrappers in /usr/sbin: those insist on Debian's own user and folders.
find_rabbitmq() {
  rabbitmq_sbin=${HMS_RABBITMQ_SBIN:-$(newest /usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin)}
  [ -x "$rabbitmq_sbin/rabbitmq-server" ] && find_epmd
}

find_epmd() {
  epmd=$(command -v epmd || newest /usr/lib/erlang/erts-*/bin/epmd)
  [ -x "$epmd" ]
}

find_redis() { command -v redis-server >/dev/null; }

ensure_installed() {
  local missing=()
  find_postgres || missing+=(postgresql)
  find_rabbitmq || missing+=(rabbitmq-server)
  find_redis || missing+=(redis-server)
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null ||
    fail "${missing[*]} not found, and this is no Debian: install PostgreSQL 15+, RabbitMQ 3.10+ and Redis 7+, then set HMS_PG_BIN and HMS_RABBITMQ_SBIN"
  is_root ||
    fail "${missing[*]} not found; install with: sudo apt-get install -y --no-install-recommends ${missing[*]}"
  install_packages "${missing[@]}"
  find_postgres || fail "PostgreSQL is still missing after the installation (looked in ${pg_bin:-nowhere})"
  find_rabbitmq || fail "RabbitMQ is still missing after the installation (looked in ${rabbitmq_sbin:-nowhere})"
}

# Debian starts a daemon when it installs one, and PostgreSQL makes a cluster on 5432. We want the programs
# alone, so both are forbidden for the time of the installation, and only for that.
install_packages() {
  say "installing $*"
  mkdir -p "$dir"
  local log=$dir/install.log
  temporary_files=()
  trap 'rm -f "${temporary_files[@]}"' EXIT
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    temporary_files+=(/usr/sbin/policy-rc.d)
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod 755 /usr/sbin/policy-rc.d
  fi
  if [[ " $* " == *" postgresql "* ]] && [ ! -d /etc/postgresql-common ]; then
    temporary_files+=(/etc/postgresql-common/createcluster.d/hms.conf)
    mkdir -p /etc/postgresql-common/createcluster.d
    echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/hms.conf
  fi
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update && apt-get install -y --no-install-recommends "$@"; } >"$log" 2>&1 </dev/null 9>&- ||
    fail_with_log "apt-get could not install $*" "$log"
  rm -f "${temporary_files[@]}"
  trap - EXIT
}

# --- PostgreSQL -------------------------------------------------------------------------------------------

pg_data() { echo "$dir/pg/data"; }
postgres_pid() { own_pid "$(pg_data)/postmaster.pid" "$dir/pg"; }
postgres_answers() { PGCONNECT_TIMEOUT=3 psql -X "$postgres_url" -Atqc 'select 1' >/dev/null 2>&1; }

# The folder is made beside and then renamed, so that an interrupted initdb is not taken for a good one.
init_postgres() {
  [ ! -s "$(pg_data)/PG_VERSION" ] || return 0
  local new=$dir/pg/new password=$dir/pg/password log=$dir/pg/initdb.log
  rm -rf "$new"
  echo hms >"$password"
  as_user "$dir/pg" "$pg_bin/initdb" -D "$new" -U hms --pwfile="$password" \
    --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 >"$log" 2>&1 || fail_with_log "initdb failed" "$log"
  rm -f "$password"
  [ "$listen" = 127.0.0.1 ] || echo 'host all all all scram-sha-256' >>"$new/pg_hba.conf"
  mv "$new" "$(pg_data)"
}

# Everything about durability stays at PostgreSQL's defaults unless it is said: crash tests and benches depend on it. Only
# TCP, because a socket's path may be at most 107 bytes long and the folder may be deep.
run_pg_ctl_start() {
  as_user "$dir/pg" "$pg_bin/pg_ctl" -s -w -t 60 -D "$(pg_data)" -l "$dir/pg/log" -o "\
    -p $pg_port -c listen_addresses=$listen -c unix_socket_directories='' \
    -c max_connections=300 -c fsync=$pg_fsync -c timezone=UTC -c log_timezone=UTC" start </dev/null
}

start_postgres() {
  if ! postgres_pid >/dev/null; then
    init_postgres
    # Our check has shown that nobody holds this folder; PostgreSQL itself is misled when the number in the
    # file has meanwhile gone to another process of the same user.
    rm -f "$(pg_data)/postmaster.pid"
    # After a kill -9 the children need a moment to notice it and to let go of the shared memory.
    run_pg_ctl_start >"$dir/pg/start.log" 2>&1 || { sleep 3 && run_pg_ctl_start >>"$dir/pg/start.log" 2>&1; } ||
      fail_with_log "PostgreSQL did not start" "$dir/pg/log"
  fi
  postgres_answers ||
    fail_with_log "PostgreSQL runs, but does not answer on port $pg_port (was it started with another one?)" "$dir/pg/log"
}

# INT is PostgreSQL's "fast" shutdown: end the sessions, write a checkpoint, leave. QUIT is its "immediate" one.
stop_postgres() { end_process PostgreSQL "$(postgres_pid || true)" "${1:-INT}"; }

# --- RabbitMQ ---------------------------------------------------------------------------------------------

rabbitmq_pid() { own_pid "$dir/mq/pid" "$dir/mq"; }

# The shell that RabbitMQ runs under. The broker writes its own file late, and must be found before that too.
launcher_pid() { own_pid "$dir/mq/launcher.pid" "$dir/mq"; }
epmd_pid() { own_pid "$dir/mq/epmd.pid" "$dir/mq"; }

# An open port says little while the broker boots: say hello and look for the frame it answers with.
amqp_answers() (
  exec 2>/dev/null 3<>"/dev/tcp/127.0.0.1/$amqp_port" || exit 1
  printf 'AMQP\0\0\11\1' >&3
  IFS= read -r -t 3 -N 1 -u 3 first
  [ "$first" = $'\1' ]
)

# Our own port mapper, with its pid in a file, so that `down` ends this one and no other.
start_epmd() {
  ! epmd_pid >/dev/null || return 0
  become_user "$dir/mq" setsid "$epmd" -address 127.0.0.1 -port "$epmd_port" >"$dir/mq/log/epmd" 2>&1 </dev/null &
  echo $! >"$dir/mq/epmd.pid"
  local tries=50
  until epmd_pid >/dev/null && port_open "$epmd_port"; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || fail_with_log "epmd did not start" "$dir/mq/log/epmd"
    sleep 0.1
  done
}

configure_rabbitmq() {
  # Quorum queues keep a write-ahead log that grows to 512 MB by default, far too much for a test machine.
  cat >"$dir/mq/rabbitmq.conf" <<CONF
listeners.tcp.1 = $listen:$amqp_port
loopback_users = none
log.file.level = warning
raft.wal_max_size_bytes = 67108864
CONF
  echo '[].' >"$dir/mq/enabled_plugins"
  echo '[].' >"$dir/mq/advanced.config"
}

# Every path the broker would otherwise look for outside our folder; `+sbwt none` because idle schedulers
# that spin take the processor from the tests.
run_rabbitmq_server() {
  become_user "$dir/mq" \
    RABBITMQ_NODENAME=hms@localhost \
    RABBITMQ_NODE_IP_ADDRESS="$listen" \
    RABBITMQ_NODE_PORT="$amqp_port" \
    RABBITMQ_DIST_PORT="$dist_port" \
    ERL_EPMD_ADDRESS=127.0.0.1 \
    ERL_EPMD_PORT="$epmd_port" \
    RABBITMQ_PID_FILE="$dir/mq/pid" \
    RABBITMQ_MNESIA_BASE="$dir/mq/mnesia" \
    RABBITMQ_LOG_BASE="$dir/mq/log" \
    RABBITMQ_CONF_ENV_FILE=/dev/null \
    RABBITMQ_CONFIG_FILE="$dir/mq/rabbitmq.conf" \
    RABBITMQ_ADVANCED_CONFIG_FILE="$dir/mq/advanced.config" \
    RABBITMQ_ENABLED_PLUGINS_FILE="$dir/mq/enabled_plugins" \
    RABBITMQ_GENERATED_CONFIG_DIR="$dir/mq/generated" \
    RABBITMQ_SCHEMA_DIR="$dir/mq/schema" \
    RABBITMQ_FEATURE_FLAGS_FILE="$dir/mq/feature_flags" \
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1} +sbwt none" \
    setsid "$rabbitmq_sbin/rabbitmq-server"
}

# Returns at once: the broker boots while PostgreSQL starts.
start_rabbitmq() {
  rabbitmq_launcher=
  ! rabbitmq_pid >/dev/null || return 0
  rm -f "$dir/mq/pid"
  configure_rabbitmq
  start_epmd
  run_rabbitmq_server >"$dir/mq/log/stdout" 2>&1 </dev/null &
  rabbitmq_launcher=$!
  echo "$rabbitmq_launcher" >"$dir/mq/launcher.pid"
}

await_rabbitmq() {
  local tries=600
  until amqp_answers; do
    [ -z "$rabbitmq_launcher" ] || ! gone "$rabbitmq_launcher" ||
      fail_with_log "RabbitMQ ended while it started" "$dir/mq/log/stdout"
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] ||
      fail_with_log "RabbitMQ does not answer on port $amqp_port after a minute" "$dir/mq/log/stdout"
    sleep 0.1
  done
}

stop_rabbitmq() {
  end_process RabbitMQ "$(rabbitmq_pid || true)" TERM
  end_process "RabbitMQ's launcher" "$(launcher_pid || true)" TERM
  end_process epmd "$(epmd_pid || true)" TERM
  rm -f "$dir"/mq/{pid,launcher.pid,epmd.pid}
}

# --- commands ---------------------------------------------------------------------------------------------

# Two `up` at the same time (two shells, two test runs) must not start everything twice.
lock() {
  mkdir -p "$dir"
  exec 9>"$dir/lock"
  flock 9
}

make_folders() {
  mkdir -p "$dir"/pg "$dir"/mq/{log,mnesia,generated,schema}
  is_root || return 0
  chmod 711 "$dir"
  chown nobody: "$dir"/pg "$dir"/mq "$dir"/mq/{log,mnesia,generated,schema}
}

# Before anything is started. A broker that an interrupted `up` left half booted is ended first.
require_free_ports() {
  postgres_pid >/dev/null || require_free_port "$pg_port" PostgreSQL HMS_PG_PORT
  rabbitmq_pid >/dev/null || {
    stop_rabbitmq
    require_free_port "$amqp_port" RabbitMQ HMS_AMQP_PORT
    require_free_port "$dist_port" "RabbitMQ's distribution" HMS_AMQP_DIST_PORT
    require_free_port "$epmd_port" "Erlang's port mapper" HMS_EPMD_PORT
  }
}

up() {
  lock
  case "${1:-}" in
    '') up_both ;;
    postgres) up_postgres ;;
    rabbitmq) up_rabbitmq ;;
    *) usage ;;
  esac
}

up_both() {
  if postgres_pid >/dev/null && rabbitmq_pid >/dev/null && postgres_answers && amqp_answers && find_redis; then
    say "already up"
    return 0
  fi
  ensure_installed
  make_folders
  require_free_ports
  start_rabbitmq
  start_postgres
  await_rabbitmq
  say "up: PostgreSQL on $listen:$pg_port, RabbitMQ on $listen:$amqp_port, in $dir"
}

up_postgres() {
  ensure_installed
  make_folders
  start_postgres
  say "up: PostgreSQL on $listen:$pg_port, in $dir"
}

up_rabbitmq() {
  ensure_installed
  make_folders
  start_rabbitmq
  await_rabbitmq
  say "up: RabbitMQ on $listen:$amqp_port, in $dir"
}

down() {
  [ -d "$dir" ] || return 0
  lock
  case "${1:-}" in
    '')
      stop_rabbitmq
      stop_postgres
      ;;
    postgres) stop_postgres ;;
    rabbitmq) stop_rabbitmq ;;
    *) usage ;;
  esac
  say "${1:+$1 }down"
}

crash() {
  [ "${1:-}" = postgres ] || usage
  lock
  stop_postgres QUIT
  say "$1 crashed"
}

report() {
  local name=$1 port=$2 pid=$3 answers=$4
  if [ -n "$pid" ] && "$answers"; then
    echo "$name: up, process $pid, port $port"
  elif [ -n "$pid" ]; then
    echo "$name: process $pid runs, but does not answer on port $port"
    return 1
  else
    echo "$name: down"
    return 1
  fi
}

status() {
  local all=0
  report PostgreSQL "$pg_port" "$(postgres_pid || true)" postgres_answers || all=1
  report RabbitMQ "$amqp_port" "$(rabbitmq_pid || true)" amqp_answers || all=1
  return "$all"
}

print_env() {
  echo "export HMS_TEST_POSTGRES_URL=$postgres_url"
  echo "export HMS_TEST_AMQP_URL=$amqp_url"
}

# Only a folder that looks like ours is deleted: HMS_INFRA_DIR is typed by people.
destroy() {
  [ -d "$dir" ] || return 0
  [ -e "$dir/lock" ] || fail "$dir was not made by this script; nothing deleted"
  down
  # The lock goes last: by it a folder that was half deleted is known as ours.
  find "$dir" -mindepth 1 -maxdepth 1 ! -name lock -exec rm -rf {} +
  rm -rf "$dir"
}

usage() {
  sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
  exit 2
}

choose_reachable_dir
case "${1:-}" in
  up) up "${2:-}" ;;
  down) down "${2:-}" ;;
  crash) crash "${2:-}" ;;
  status) status ;;
  env) print_env ;;
  destroy) destroy ;;
  *) usage ;;
esac
