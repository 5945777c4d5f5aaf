# shellcheck shell=bash disable=SC2154
# Builds one of the product's own images as anybody would, with the Node base of this machine. Sourced after image.sh.

# product_image NAME DOCKERFILE INPUT…: `make build` has made what INPUT names.
product_image() {
  local name=$1 dockerfile=$2 hash
  shift 2
  [ -d "$checkout/platform/dist" ] || fail "nothing is built yet: run make build, then again"
  product_build() {
    node "$checkout/.make/stage-images.mjs" "$name"
    docker_build "$checkout/$dockerfile" "$checkout/artifacts/images/$name" \
      "BASE_IMAGE=$REGISTRY/gantry/base-node:24" "VERSION=$IMAGE_TAG" "$1"
  }
  hash=$(input_hash "$checkout/$dockerfile" "$checkout"/.make/stage-images.mjs "$checkout/.make/images" \
    images/debian.sh images/node.sh images/node "$@")
  ensure_image "gantry/$name" "$IMAGE_TAG" "$hash" product_build
}
