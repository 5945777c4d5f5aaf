#!/usr/bin/env bash
# Cluster DNS by dnsmasq: every Service as NAME.NAMESPACE.svc.cluster.local, read again when one has changed. Headless
# Services and names outside the cluster have no answer.
set -euo pipefail
cd "$(dirname "$0")"
. ./settings.sh
. ./daemon.sh

start dnsmasq dnsmasq --keep-in-foreground --conf-file=/dev/null --user=root --listen-address="$DNS_IP" --bind-interfaces \
  --no-resolv --no-hosts --hostsdir="$CLUSTER_DIR/dns" --cache-size=0 --no-negcache
# A copy: the checkout may change or go while the cluster runs.
is_running "$CLUSTER_DIR/run/dns.pid" || install -m755 dns-sync.sh "$CLUSTER_DIR/dns.sh"
start dns bash dns.sh
