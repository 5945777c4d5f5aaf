# shellcheck shell=bash
# Starts and stops daemons by pid files, and says what happens. Sourced after settings.sh.

say() { printf '%s\n' "$*" >&2; }
fail() {
  say "cluster: $*"
  exit 1
}

# wait_until SECONDS WHAT LOG COMMAND…: repeats COMMAND until it succeeds; names WHAT and its LOG where it never does.
wait_until() {
  local seconds=$1 what=$2 log=$3 deadline
  shift 3
  deadline=$((SECONDS + seconds))
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$deadline" ] || fail "$what was not ready within $seconds s; see $log"
    sleep 0.25
  done
}

# After a restart of the machine a pid file names a process of somebody else.
forget_earlier_boot() {
  local boot
  boot=$(cat /proc/sys/kernel/random/boot_id)
  [ "$(cat "$CLUSTER_DIR/run/boot" 2>/dev/null || echo "$boot")" = "$boot" ] || rm -f "$CLUSTER_DIR"/run/*.pid
  echo "$boot" >"$CLUSTER_DIR/run/boot"
}

is_running() { [ -f "$1" ] && kill -0 "$(cat "$1")" 2>/dev/null; }

# wait_gone SECONDS PID_FILE: until its process has ended, or the time has.
wait_gone() {
  local deadline=$((SECONDS + $1))
  while is_running "$2" && [ "$SECONDS" -lt "$deadline" ]; do sleep 0.1; done
}

# start NAME COMMAND…: one daemon in a session of its own; its pid is in run/NAME.pid, its output in log/NAME.log.
start() {
  local name=$1
  shift
  is_running "$CLUSTER_DIR/run/$name.pid" && return
  say "  starting $name"
  (cd "$CLUSTER_DIR" && exec setsid "$@") >"$CLUSTER_DIR/log/$name.log" 2>&1 </dev/null &
  echo $! >"$CLUSTER_DIR/run/$name.pid"
}

# stop NAME…: ends daemons by their pid files and waits until each is gone.
stop() {
  local name file
  for name in "$@"; do
    file=$CLUSTER_DIR/run/$name.pid
    is_running "$file" && kill "$(cat "$file")" 2>/dev/null
    wait_gone 10 "$file"
    is_running "$file" && kill -9 "$(cat "$file")" 2>/dev/null
    rm -f "$file"
  done
}

# write_once FILE: standard input becomes FILE where there is none. kube-proxy exits when its file is rewritten.
write_once() { if [ -f "$1" ]; then cat >/dev/null; else cat >"$1"; fi; }
