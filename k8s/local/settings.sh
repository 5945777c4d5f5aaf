# shellcheck shell=bash disable=SC2034
# Every path, address and port of the local cluster; sourced by the other scripts. Override by environment.

local_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
checkout=$(cd "$local_dir/../.." && pwd)

# What the running cluster is: certificates, etcd's data, pods, the registry's blobs. `cluster-down --purge` removes it.
CLUSTER_DIR=${CLUSTER_DIR:-/var/tmp/cluster}
# What took long to make and outlives a purge: root file systems, Docker's data, stamps of built images.
CLUSTER_CACHE=${CLUSTER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gantry-k8s}
KUBERNETES_VERSION=1.20.2
K8S_BIN=${K8S_BIN:-/var/cache/k8s-$KUBERNETES_VERSION/bin}

REGISTRY=${REGISTRY:-localhost:5000}
# The tag that the images of this repository get.
IMAGE_TAG=${IMAGE_TAG:-dev}
# A second registry that asks for a name and a password.
PRIVATE_REGISTRY=${PRIVATE_REGISTRY:-localhost:5001}
PRIVATE_REGISTRY_USER=${PRIVATE_REGISTRY_USER:-builder}
PRIVATE_REGISTRY_PASSWORD=${PRIVATE_REGISTRY_PASSWORD:-builder-password}

POD_NET=10.244.0.0/16
SERVICE_NET=10.96.0.0/16
# Pods reach the host at HOST_IP; both addresses are on a bridge of their own, so no network of the machine is touched.
HOST_IP=10.255.0.1
DNS_IP=10.255.0.2
NODE_NAME=node1

# The Docker Engine is a process of ours, not a system service.
DOCKER_SOCKET=${DOCKER_SOCKET:-/var/run/docker.sock}
export DOCKER_HOST=${DOCKER_HOST:-unix://$DOCKER_SOCKET}
