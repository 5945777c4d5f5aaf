# shellcheck shell=bash disable=SC2154
# Builds one of the product's own images as anybody would, with the Node base of this machine. Sourced after image.sh.

# Further arguments of the build, as NAME=VALUE.
build_args=()

# product_image NAME STAGE DOCKERFILE INPUT…: from what stage-images.mjs lays out as STAGE; `make build` has made what INPUT names.
product_image() {
  local name=$1 stage=$2 dockerfile=$3 hash
  shift 3
  [ -d "$checkout/platform/dist" ] || fail "nothing is built yet: run make build, then again"
  product_build() {
    node "$checkout/.make/stage-images.mjs" "$stage"
    docker_build "$checkout/$dockerfile" "$checkout/artifacts/images/$stage" \
      "BASE_IMAGE=$REGISTRY/gantry/base-node:24" "VERSION=$IMAGE_TAG" "${build_args[@]}" "$1"
  }
  hash=$(input_hash "$checkout/$dockerfile" "$checkout"/.make/stage-images.mjs "$checkout/.make/images" \
    images/debian.sh images/node.sh images/node "$@")
  ensure_image "gantry/$name" "$IMAGE_TAG" "$hash" product_build
}
