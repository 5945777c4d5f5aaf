# shellcheck shell=bash
# gantry/registry: what registry:3 is elsewhere, from Debian's docker-registry.
registry_image() { docker_build images/registry/Dockerfile images/registry "BASE_IMAGE=$REGISTRY/gantry/debian:12" "$1"; }
hash=$(input_hash images/debian.sh images/registry.sh images/registry)
ensure_image gantry/registry "$IMAGE_TAG" "$hash" registry_image
