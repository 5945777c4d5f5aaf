# shellcheck shell=bash
# Building and pushing one image where its inputs have changed. Sourced after settings.sh and daemon.sh.

# Debian's own client, where it is: another one on the PATH may want a build plugin that is not installed.
docker_client=$(command -v /usr/bin/docker || command -v docker || true)
stages=$CLUSTER_CACHE/stages

# input_hash PATH…: one hash of the files' names and contents, folders included.
input_hash() {
  local path
  for path in "$@"; do
    (cd "$(dirname "$path")" && find "$(basename "$path")" \( -type f -o -type l \) -print0 | LC_ALL=C sort -z |
      xargs -0 sha256sum)
  done | sha256sum | cut -c1-16
}

# remote_digest REPOSITORY TAG: nothing where the registry has no such tag.
remote_digest() {
  curl -fsI --max-time 5 -H 'Accept: application/vnd.docker.distribution.manifest.v2+json' \
    "http://$REGISTRY/v2/$1/manifests/$2" 2>/dev/null | tr -d '\r' | awk 'tolower($1)=="docker-content-digest:"{print $2}' || true
}

# ensure_image REPOSITORY TAG HASH BUILD…: runs `BUILD… REFERENCE` where HASH was not built yet, and pushes what is missing.
ensure_image() {
  local repository=$1 tag=$2 marker=in-$3 began=$SECONDS digest
  shift 3
  digest=$(remote_digest "$repository" "$marker")
  if [ -n "$digest" ] && [ "$digest" = "$(remote_digest "$repository" "$tag")" ]; then
    say "  $REGISTRY/$repository:$tag is there"
    return
  fi
  if ! "$docker_client" image inspect "$REGISTRY/$repository:$marker" >/dev/null 2>&1; then
    say "  building $REGISTRY/$repository:$tag"
    "$@" "$REGISTRY/$repository:$marker" >"$CLUSTER_CACHE/build.log" 2>&1 ||
      { tail -40 "$CLUSTER_CACHE/build.log" >&2; fail "the image $repository could not be built"; }
  fi
  "$docker_client" tag "$REGISTRY/$repository:$marker" "$REGISTRY/$repository:$tag"
  for each in "$marker" "$tag"; do "$docker_client" push -q "$REGISTRY/$repository:$each" >/dev/null; done
  say "  pushed $REGISTRY/$repository:$tag ($((SECONDS - began)) s)"
}

# docker_build DOCKERFILE CONTEXT [BUILD_ARG…] REFERENCE
docker_build() {
  local dockerfile=$1 context=$2 args=()
  shift 2
  while [ $# -gt 1 ]; do
    args+=(--build-arg "$1")
    shift
  done
  "$docker_client" build -q -f "$dockerfile" "${args[@]}" -t "$1" "$context"
}

# new_stage NAME: an empty folder for a build's context; prints its path.
new_stage() {
  rm -rf "${stages:?}/$1"
  mkdir -p "$stages/$1"
  echo "$stages/$1"
}
