#!/usr/bin/env bash
# The root folder of a service's image, and running it where no container engine is at hand.
#
#   deploy/image/rootfs.sh assemble BINARY FOLDER     BINARY as /service, the libraries that it needs, CA certificates,
#                                                     a user; nothing else: no shell, no package manager
#   deploy/image/rootfs.sh run FOLDER [ARGUMENT …]    /service in it as that user: read-only but for /data, without
#                                                     capabilities; its settings are the environment. Needs root
#
# deploy/image/Dockerfile assembles with it too, so that what is tested here is what is in the image.
set -euo pipefail

user=65532
fail() {
  echo "rootfs: $*" >&2
  exit 1
}

assemble() {
  local binary=$1 root=$2 library
  [ -x "$binary" ] || fail "$binary is no program; build it first: cargo build -p hms-<service>"
  [ ! -e "$root" ] || [ -z "$(ls -A "$root")" ] || fail "$root is not empty"
  mkdir -p "$root"/{etc/ssl/certs,data,proc,dev}
  # A link where it can be one: a debug build is large.
  ln "$(readlink -f "$binary")" "$root/service" 2>/dev/null || install -m 0755 "$binary" "$root/service"
  # The loader has its path in the program; the others are found in /lib by name.
  ldd "$binary" | grep -oE '/[^ ]+' | sort -u | while read -r library; do
    install -D -m 0755 "$(readlink -f "$library")" "$root$library"
  done
  install -m 0644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt" ||
    fail "no CA certificates here: apt-get install ca-certificates"
  echo "hms:x:$user:$user:HMS:/data:/nonexistent" >"$root/etc/passwd"
  echo "hms:x:$user:" >"$root/etc/group"
  # Names of the machine before those of the network, as everywhere.
  echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
  [ "$(id -u)" != 0 ] || chown "$user:$user" "$root/data"
  chmod 0700 "$root/data"
}

run() {
  local root=$1
  shift
  [ "$(id -u)" = 0 ] || fail "run needs root: a namespace of its own, a read-only mount and another user"
  # shellcheck disable=SC2016 # expanded inside
  exec unshare --mount --propagation private -- bash -euc '
    root=$1 user=$2
    shift 2
    mount --bind "$root" "$root"
    # What is kept, stays writable in the folder that is given.
    mount --bind "$root/data" "$root/data"
    mount --rbind /proc "$root/proc"
    # As engines have it: libpq takes its random numbers from there.
    mount -t tmpfs -o mode=0755 dev "$root/dev"
    for device in null zero random urandom; do
      touch "$root/dev/$device"
      mount --bind "/dev/$device" "$root/dev/$device"
    done
    mount -o remount,ro "$root/dev"
    mount -o remount,bind,ro "$root"
    exec setpriv --no-new-privs --bounding-set=-all,+sys_chroot,+setuid,+setgid \
      chroot --userspec="$user:$user" --groups="" "$root" /service "$@"
  ' rootfs "$(readlink -f "$root")" "$user" "$@"
}

case "${1:-} $#" in
"assemble 3") assemble "$2" "$3" ;;
"run "*) [ $# -ge 2 ] || fail "run FOLDER [ARGUMENT …]"; shift; run "$@" ;;
*) fail "assemble BINARY FOLDER, or run FOLDER [ARGUMENT …]" ;;
esac
