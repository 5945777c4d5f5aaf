#!/usr/bin/env bash
# Restarts the node's container runtime, as an upgrade of it does: containers go on meanwhile. Resolves when the node is ready.
set -euo pipefail
cd "$(dirname "$0")"
. ./settings.sh
. ./daemon.sh
is_running "$CLUSTER_DIR/run/containerd.pid" || fail "there is no containerd of a local cluster in $CLUSTER_DIR"
stop containerd
./node.sh
