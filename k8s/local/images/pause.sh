# shellcheck shell=bash
# pause: one static program. No pod starts without it, so it is pushed before the node is waited for.
pause_image() {
  local stage
  stage=$(new_stage pause)
  cc -static -Os -o "$stage/pause" images/pause.c
  printf 'FROM scratch\nCOPY pause /pause\nENTRYPOINT ["/pause"]\n' >"$stage/Dockerfile"
  docker_build "$stage/Dockerfile" "$stage" "$1"
  rm -rf "$stage"
}
# Where an image is there already, it stays: pods that run were started from it.
[ -n "$(remote_digest pause 1)" ] || ensure_image pause 1 "$(input_hash images/pause.c images/pause.sh)" pause_image
