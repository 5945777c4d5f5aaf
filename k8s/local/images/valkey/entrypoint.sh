#!/bin/sh
# As the official image: arguments alone are the server's; it listens on every address and keeps its data in /data.
set -eu
case ${1:--} in -*) set -- valkey-server "$@" ;; esac
[ "$1" != valkey-server ] || set -- "$@" --bind "* -::*" --protected-mode no --dir /data
exec "$@"
