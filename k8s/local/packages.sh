#!/usr/bin/env bash
# Installs the Debian packages whose programs the cluster is made of, where one is missing. None is started as a service,
# now or at the machine's next start: they would hold the ports that the cluster's own processes use.
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
missing=()
for package in "${packages[@]}"; do
  [ "$(dpkg-query -Wf '${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

say "  installing Debian packages (about a minute): ${missing[*]}"
log=$(mktemp)
policy=/usr/sbin/policy-rc.d
if [ -e "$policy" ]; then
  trap 'rm -f "$log"' EXIT
else
  trap 'rm -f "$log" "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
{ apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 ||
  { tail -20 "$log" >&2; fail "Debian's packages could not be installed: ${missing[*]}"; }
for package in "${missing[@]}"; do
  case $package in
    etcd-server) systemctl disable etcd >/dev/null 2>&1 || true ;;
    docker-registry) systemctl disable docker-registry >/dev/null 2>&1 || true ;;
    docker.io) systemctl disable docker.service docker.socket >/dev/null 2>&1 || true ;;
  esac
done
