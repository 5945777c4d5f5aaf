# shellcheck shell=bash disable=SC2154
# gantry/worker-checkpoints: the worker's image for process checkpoints, by worker-image/Dockerfile.checkpoints.
. ./product-image.sh
build_args=("BUILD_IMAGE=$REGISTRY/gantry/debian-sid:dev")
product_image worker-checkpoints worker worker-image/Dockerfile.checkpoints images/debian-sid.sh \
  "$checkout/worker-image/native" "$checkout"/worker-image/dist/{runner,task-process}.js
