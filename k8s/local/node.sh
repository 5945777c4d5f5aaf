#!/usr/bin/env bash
# The one node: containerd with a bridge network, kubelet, kube-proxy.
set -euo pipefail
cd "$(dirname "$0")"
. ./settings.sh
. ./daemon.sh

# restrict_oom_score_adj: where the machine withholds CAP_SYS_RESOURCE, runc could not lower a pod's score.
write_once "$CLUSTER_DIR/containerd.toml" <<X
version = 2
root = "$CLUSTER_DIR/containerd/root"
state = "$CLUSTER_DIR/containerd/state"
[grpc]
  address = "$CLUSTER_DIR/run/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "$REGISTRY/pause:1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$CLUSTER_DIR/cni"
  [plugins."io.containerd.grpc.v1.cri".registry.mirrors."$REGISTRY"]
    endpoint = ["http://$REGISTRY"]
  [plugins."io.containerd.grpc.v1.cri".registry.mirrors."$PRIVATE_REGISTRY"]
    endpoint = ["http://$PRIVATE_REGISTRY"]
X
write_once "$CLUSTER_DIR/cni/10-pods.conflist" <<X
{"cniVersion": "0.4.0", "name": "pods", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": true, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "$CLUSTER_DIR/cni/ipam", "ranges": [[{"subnet": "$POD_NET"}]],
            "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
X
start containerd containerd -c containerd.toml

write_once "$CLUSTER_DIR/kubelet.yaml" <<X
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
cgroupDriver: cgroupfs
failSwapOn: false
enforceNodeAllocatable: []
clusterDNS: [$DNS_IP]
clusterDomain: cluster.local
oomScoreAdj: 0
maxPods: 250
serializeImagePulls: false
kubeAPIQPS: 200
kubeAPIBurst: 400
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%}
X
wait_until 30 "containerd" "$CLUSTER_DIR/log/containerd.log" test -S "$CLUSTER_DIR/run/containerd.sock"
start_kubelet() {
  start kubelet "$K8S_BIN/kubelet" --config=kubelet.yaml --kubeconfig=kubeconfig --root-dir="$CLUSTER_DIR/kubelet" \
    --container-runtime=remote --container-runtime-endpoint="unix://$CLUSTER_DIR/run/containerd.sock" \
    --hostname-override="$NODE_NAME" --node-ip="$HOST_IP"
}
start_kubelet

# Written once: kube-proxy ends when its file is written again.
write_once "$CLUSTER_DIR/proxy.yaml" <<X
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clientConnection: {kubeconfig: $CLUSTER_DIR/kubeconfig}
mode: iptables
clusterCIDR: $POD_NET
conntrack: {maxPerCore: 0}
hostnameOverride: $NODE_NAME
X
start proxy "$K8S_BIN/kube-proxy" --config=proxy.yaml

token=$(cut -d, -f1 "$CLUSTER_DIR/pki/tokens.csv")
began=$(date -u +%Y-%m-%dT%H:%M:%S)
api() { curl -fsk --max-time 2 -H "Authorization: Bearer $token" "https://127.0.0.1:6443$1"; }
# What a cluster that was stopped remembers of its node says nothing: the kubelet must have renewed its lease since, and what
# was noted while it was away must be gone. A kubelet that has ended is started again.
is_ready() {
  is_running "$CLUSTER_DIR/run/kubelet.pid" || start_kubelet
  api "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/$NODE_NAME" |
    jq -e --arg began "$began" '.spec.renewTime > $began' &&
    api "/api/v1/nodes/$NODE_NAME" |
    jq -e '(.status.conditions[] | select(.type == "Ready") | .status == "True")
      and ([.spec.taints[]? | select(.key | startswith("node.kubernetes.io/"))] | length == 0)'
}
wait_until 120 "the node" "$CLUSTER_DIR/log/kubelet.log" is_ready
