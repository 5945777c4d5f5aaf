# shellcheck shell=bash
# gantry/platform: the platform and the CLI on the Node base, by platform/Dockerfile.
. ./product-image.sh
product_image platform platform platform/Dockerfile "$checkout"/{platform,sdk,worker-image}/{dist,package.json} \
  "$checkout/platform/prisma" "$checkout/package-lock.json"
