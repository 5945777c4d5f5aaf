#!/bin/sh
# As the official image: a configuration file alone is served.
set -eu
case ${1:-} in *.yml | *.yaml) set -- registry serve "$@" ;; esac
exec "$@"
