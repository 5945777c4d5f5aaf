#!/usr/bin/env bash
# Builds every image the local cluster needs and pushes it to its registry: images.sh [NAME…].
# Where nothing has changed an image is not built: each is also tagged with a hash of all that goes into it.
set -euo pipefail
cd "$(dirname "$0")"
. ./settings.sh
. ./daemon.sh
. ./image.sh

# In the order in which they build on each other.
all=(debian node pause postgres valkey registry worker debian-sid worker-checkpoints platform)

./docker-engine.sh up
mkdir -p "$CLUSTER_CACHE"
exec 9>"$CLUSTER_CACHE/images.lock"
flock 9
for name in "${@:-${all[@]}}"; do
  [ -f "./images/$name.sh" ] || fail "there is no image $name; there are: ${all[*]}"
  # In a process of its own: an image's script may change folder and settings.
  # shellcheck source=/dev/null
  (. "./images/$name.sh")
done
