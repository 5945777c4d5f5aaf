#!/usr/bin/env bash
# etcd, API server, controllers, scheduler. Limits towards the API server are wide: they would be what is measured.
set -euo pipefail
cd "$(dirname "$0")"
. ./settings.sh
. ./daemon.sh

start etcd etcd --data-dir etcd --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
  --listen-peer-urls http://127.0.0.1:2380
start apiserver "$K8S_BIN/kube-apiserver" --etcd-servers=http://127.0.0.1:2379 --secure-port=6443 \
  --advertise-address="$HOST_IP" --kubelet-preferred-address-types=InternalIP --service-cluster-ip-range="$SERVICE_NET" \
  --tls-cert-file=pki/api.crt --tls-private-key-file=pki/api.key --client-ca-file=pki/ca.crt \
  --token-auth-file=pki/tokens.csv --authorization-mode=Node,RBAC --allow-privileged=true \
  --service-account-issuer=https://kubernetes.default.svc --service-account-key-file=pki/sa.pub \
  --service-account-signing-key-file=pki/sa.key

is_ready() { curl -fsk --max-time 2 https://127.0.0.1:6443/readyz | grep -q '^ok'; }
wait_until 60 "the API server" "$CLUSTER_DIR/log/apiserver.log" is_ready

start controllers "$K8S_BIN/kube-controller-manager" --kubeconfig=kubeconfig --leader-elect=false \
  --use-service-account-credentials --service-account-private-key-file=pki/sa.key --root-ca-file=pki/ca.crt \
  --kube-api-qps=200 --kube-api-burst=400
start scheduler "$K8S_BIN/kube-scheduler" --kubeconfig=kubeconfig --leader-elect=false --kube-api-qps=200 --kube-api-burst=400
