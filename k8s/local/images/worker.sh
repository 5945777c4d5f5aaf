# shellcheck shell=bash
# gantry/worker: the runner on the Node base, by worker-image/Dockerfile.
. ./product-image.sh
product_image worker worker worker-image/Dockerfile "$checkout"/worker-image/dist/{runner,task-process}.js
