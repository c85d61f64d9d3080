# The whole platform as one process. The bench says with `settings` what a kind of it is given, one setting a line.
# shellcheck shell=bash disable=SC2034,SC2154,SC2004 # what is set here is used there, and the other way round

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
