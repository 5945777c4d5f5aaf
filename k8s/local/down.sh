#!/usr/bin/env bash
# Stops what up.sh started, pods included. `down.sh --purge` also removes the cluster's state: objects, volumes, the
# registry's images. The built Kubernetes and Docker's images stay.
set -uo pipefail
cd "$(dirname "$0")" || exit 1
. ./settings.sh
. ./daemon.sh

case ${1:-} in
  "" | --purge) ;;
  *) fail "usage: down.sh [--purge]" ;;
esac
if [ ! -d "$CLUSTER_DIR/run" ]; then
  if command -v kind >/dev/null; then exec ./kind.sh down; fi
  say "No cluster in $CLUSTER_DIR."
  exit 0
fi
[ "$(id -u)" = 0 ] || fail "the cluster in $CLUSTER_DIR was started by root: only root can stop it"

forget_earlier_boot
say "Stopping the cluster in $CLUSTER_DIR"
stop dns dnsmasq proxy kubelet scheduler controllers apiserver etcd registry private-registry
# Containers outlive the kubelet: each has a shim, which is told apart by the socket of this containerd.
for pid in $(pgrep -f "containerd-shim.*$CLUSTER_DIR/run/containerd.sock"); do kill -9 "$pid" 2>/dev/null; done
stop containerd
./docker-engine.sh down

awk -v folder="$CLUSTER_DIR/" 'index($2, folder) == 1 { print $2 }' /proc/mounts | sort -r |
  while read -r mount; do umount -l "$mount" 2>/dev/null; done
for chain in OUTPUT FORWARD; do iptables -D $chain -d "$SERVICE_NET" -j REJECT 2>/dev/null; done
for bridge in cni0 clusterhost; do ip link del "$bridge" 2>/dev/null; done

if [ "${1:-}" = --purge ]; then
  say "Removing $CLUSTER_DIR"
  rm -rf "${CLUSTER_DIR:?}"
fi
exit 0
