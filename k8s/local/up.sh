#!/usr/bin/env bash
# Starts a real one-node Kubernetes on this machine, with a registry and every image that Gantry needs. Idempotent: what runs
# is left alone, what has stopped is started, what is there is not made again. Prints the KUBECONFIG line at the end.
set -euo pipefail
cd "$(dirname "$0")"
. ./settings.sh
. ./daemon.sh

is_debian() { [ -r /etc/os-release ] && grep -qE '^(ID|ID_LIKE)=.*debian' /etc/os-release && command -v apt-get >/dev/null; }
has_kind() { command -v kind >/dev/null && docker info >/dev/null 2>&1; }

if [ "$(id -u)" != 0 ] || ! is_debian; then
  has_kind && exec ./kind.sh up
  fail "a cluster of Debian's packages needs root on Debian 12 (this is $(id -un) on $(uname -s));" \
    "anywhere else it needs kind and a running Docker, and there is none. Any other cluster will do too: export KUBECONFIG."
fi
[ "$(uname -m)" = x86_64 ] || fail "Kubernetes is built for x86-64 here, and this is $(uname -m): use kind, or export KUBECONFIG."

say "A one-node Kubernetes $KUBERNETES_VERSION in $CLUSTER_DIR; what took long to make is kept in $CLUSTER_CACHE."
if [ -x "$K8S_BIN/kubelet" ]; then
  say "It takes about half a minute; where there are no images yet, some 4 minutes more."
else
  say "It takes about 12 minutes the first time: Kubernetes is built from Debian's source package, then the images."
fi
began=$SECONDS

./packages.sh
./build-kubernetes.sh
mkdir -p "$CLUSTER_DIR"/{pki,log,run,etcd,containerd,kubelet,registry,private-registry,cni,dns} "$CLUSTER_CACHE"
forget_earlier_boot
./network.sh
./certificates.sh
./registries.sh
./docker-engine.sh up
./images.sh pause
./control-plane.sh
./node.sh
./dns.sh
./images.sh
say "The cluster is ready ($((SECONDS - began)) s). make cluster-down stops it."
echo "export KUBECONFIG=$CLUSTER_DIR/kubeconfig"
