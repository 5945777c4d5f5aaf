#!/usr/bin/env bash
# The cluster's authority, the API server's certificate, the key of service accounts, and the administrator's kubeconfig.
set -euo pipefail
cd "$(dirname "$0")"
. ./settings.sh
. ./daemon.sh

[ -f "$CLUSTER_DIR/kubeconfig" ] && exit 0
say "  making certificates"
cd "$CLUSTER_DIR/pki"
umask 077
{
  openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 3650 -subj /CN=local-cluster-ca
  openssl genrsa -out sa.key 2048
  openssl rsa -in sa.key -pubout -out sa.pub
  openssl req -newkey rsa:2048 -nodes -keyout api.key -out api.csr -subj /CN=kube-apiserver
  names=DNS:localhost,IP:127.0.0.1,IP:${SERVICE_NET%.*}.1,IP:$HOST_IP
  for name in kubernetes{,.default{,.svc{,.cluster.local}}}; do names=$names,DNS:$name; done
  openssl x509 -req -in api.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out api.crt -days 3650 \
    -extfile <(printf 'subjectAltName=%s\n' "$names")
} 2>/dev/null
token=$(openssl rand -hex 16)
echo "$token,admin,admin,\"system:masters\"" >tokens.csv
cat >../kubeconfig <<X
apiVersion: v1
kind: Config
clusters: [{name: local, cluster: {server: "https://127.0.0.1:6443", certificate-authority-data: $(base64 -w0 ca.crt)}}]
users: [{name: admin, user: {token: $token}}]
contexts: [{name: local, context: {cluster: local, user: admin}}]
current-context: local
X
