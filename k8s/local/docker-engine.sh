#!/usr/bin/env bash
# Starts Debian's Docker Engine where none answers, and stops the one it started: docker-engine.sh [up|down].
# A process with a pid file, no system service. Its images outlive the cluster, in $CLUSTER_CACHE/docker.
set -euo pipefail
cd "$(dirname "$0")"
. ./settings.sh
. ./daemon.sh

state=$CLUSTER_CACHE/docker
pid_file=$state/dockerd.pid

answers() { curl -fs --max-time 2 --unix-socket "$DOCKER_SOCKET" http://docker/_ping; }

up() {
  answers >/dev/null && return
  say "  starting the Docker Engine ($state)"
  mkdir -p "$state"
  is_running "$pid_file" || rm -f "$pid_file"
  setsid dockerd --exec-opt native.cgroupdriver=cgroupfs --data-root "$state/data" --exec-root "$state/exec" \
    --pidfile "$pid_file" --host "unix://$DOCKER_SOCKET" >"$state/dockerd.log" 2>&1 </dev/null &
  wait_until 60 "the Docker Engine" "$state/dockerd.log" answers
  # It may have set the policy to DROP, which would cut pods off from Services.
  iptables -P FORWARD ACCEPT
}

down() {
  is_running "$pid_file" || return 0
  kill "$(cat "$pid_file")"
  wait_gone 15 "$pid_file"
}

case ${1:-up} in
  up) up ;;
  down) down ;;
  *) fail "usage: docker-engine.sh [up|down]" ;;
esac
