#!/usr/bin/env bash
# Installs the Debian packages whose programs the cluster is made of, where one is missing.
set -euo pipefail
cd "$(dirname "$0")"
. ./settings.sh
. ./daemon.sh

packages=(
  etcd-server containerd runc containernetworking-plugins docker-registry apache2-utils # the cluster
  docker.io debootstrap gcc libc6-dev                                                   # its images
  iproute2 iptables conntrack ethtool socat dnsmasq-base procps                         # its network
  openssl curl ca-certificates jq util-linux
)
dpkg -s "${packages[@]}" >/dev/null 2>&1 && exit 0

say "  installing Debian packages (about a minute)"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# RUNLEVEL=1: they are wanted for their programs, not started as services.
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
{ apt-get update -qq && apt-get install -y -qq --no-install-recommends "${packages[@]}"; } >"$log" 2>&1 ||
  { tail -20 "$log" >&2; fail "Debian's packages could not be installed: ${packages[*]}"; }
