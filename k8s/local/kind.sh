#!/usr/bin/env bash
# The same cluster by kind, where Docker and the internet exist: kind.sh up|down. Not seen running: where this was written
# there is no internet. The addresses are those of values.yaml, so that one file serves both.
set -euo pipefail
cd "$(dirname "$0")"
. ./settings.sh
. ./daemon.sh
unset DOCKER_HOST
cluster=gantry
registry=gantry-registry
kubeconfig=$CLUSTER_CACHE/kind.kubeconfig

up() {
  say "A one-node cluster by kind; the first time it takes some minutes, most of them for downloads."
  mkdir -p "$CLUSTER_CACHE"
  docker inspect "$registry" >/dev/null 2>&1 ||
    docker run -d --restart=always --name "$registry" -e REGISTRY_STORAGE_DELETE_ENABLED=true \
      -p "127.0.0.1:${REGISTRY##*:}:5000" registry:3 >/dev/null
  [[ " $(kind get clusters 2>/dev/null | tr '\n' ' ') " == *" $cluster "* ]] || kind create cluster --name "$cluster" --wait 120s --config - <<X
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
containerdConfigPatches:
  - |-
    [plugins."io.containerd.grpc.v1.cri".registry]
      config_path = "/etc/containerd/certs.d"
X
  docker network connect kind "$registry" 2>/dev/null || true
  reach_registry "$cluster-control-plane"
  push_images
  kind get kubeconfig --name "$cluster" >"$kubeconfig"
  echo "export KUBECONFIG=$kubeconfig"
}

# The node pulls from localhost:5000; pods push to 10.255.0.1:5000. Both lead to the registry's container.
reach_registry() {
  local node=$1 address rule
  address=$(docker inspect -f '{{(index .NetworkSettings.Networks "kind").IPAddress}}' "$registry")
  docker exec -i "$node" sh -c "mkdir -p '/etc/containerd/certs.d/$REGISTRY' && cat >'/etc/containerd/certs.d/$REGISTRY/hosts.toml'" <<X
[host."http://$registry:5000"]
X
  rule="PREROUTING -d $HOST_IP -p tcp --dport 5000 -j DNAT --to $address:5000"
  docker exec "$node" sh -c "iptables -t nat -C $rule 2>/dev/null || iptables -t nat -A $rule"
}

push_images() {
  local name
  node "$checkout/.make/stage-images.mjs"
  docker build -f "$checkout/worker-image/Dockerfile" -t "$REGISTRY/gantry/worker:$IMAGE_TAG" "$checkout/artifacts/images/worker"
  docker build -f "$checkout/worker-image/Dockerfile.checkpoints" -t "$REGISTRY/gantry/worker-checkpoints:$IMAGE_TAG" \
    "$checkout/artifacts/images/worker"
  docker build -f "$checkout/platform/Dockerfile" -t "$REGISTRY/gantry/platform:$IMAGE_TAG" "$checkout/artifacts/images/platform"
  docker pull postgres:18 && docker tag postgres:18 "$REGISTRY/gantry/postgres:$IMAGE_TAG"
  docker pull valkey/valkey:9 && docker tag valkey/valkey:9 "$REGISTRY/gantry/valkey:$IMAGE_TAG"
  for name in worker worker-checkpoints platform postgres valkey; do docker push -q "$REGISTRY/gantry/$name:$IMAGE_TAG"; done
}

down() {
  kind delete cluster --name "$cluster"
  docker rm -f "$registry" >/dev/null 2>&1 || true
  rm -f "$kubeconfig"
}

case ${1:-} in
  up) up ;;
  down) down ;;
  *) fail "usage: kind.sh up|down" ;;
esac
