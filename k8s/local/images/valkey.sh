# shellcheck shell=bash
# gantry/valkey: what valkey/valkey is elsewhere. Debian 12 has its ancestor, redis-server.
valkey_image() { docker_build images/valkey/Dockerfile images/valkey "BASE_IMAGE=$REGISTRY/gantry/debian:12" "$1"; }
hash=$(input_hash images/debian.sh images/valkey.sh images/valkey)
ensure_image gantry/valkey "$IMAGE_TAG" "$hash" valkey_image
