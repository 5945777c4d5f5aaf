#!/usr/bin/env bash
# Two image registries of Debian's docker-registry: an open one for all images, and one that asks for a name and a password.
# Nodes know them as localhost:PORT (plain HTTP is allowed there alone), pods by the host's address.
set -euo pipefail
cd "$(dirname "$0")"
. ./settings.sh
. ./daemon.sh

# configure NAME PORT [MORE]
configure() {
  write_once "$CLUSTER_DIR/$1.yml" <<X
version: 0.1
storage: {filesystem: {rootdirectory: $CLUSTER_DIR/$1}, delete: {enabled: true}}
http: {addr: "0.0.0.0:$2"}
${3:-}
X
}

configure registry "${REGISTRY##*:}"
start registry docker-registry serve registry.yml

users=$CLUSTER_DIR/private-registry.users
[ -f "$users" ] || htpasswd -Bbn "$PRIVATE_REGISTRY_USER" "$PRIVATE_REGISTRY_PASSWORD" >"$users"
configure private-registry "${PRIVATE_REGISTRY##*:}" "auth: {htpasswd: {realm: local, path: $users}}"
start private-registry docker-registry serve private-registry.yml

wait_until 30 "the registry" "$CLUSTER_DIR/log/registry.log" curl -fs "http://$REGISTRY/v2/"
wait_until 30 "the private registry" "$CLUSTER_DIR/log/private-registry.log" \
  curl -fs -u "$PRIVATE_REGISTRY_USER:$PRIVATE_REGISTRY_PASSWORD" "http://$PRIVATE_REGISTRY/v2/"
