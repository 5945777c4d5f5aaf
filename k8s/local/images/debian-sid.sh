# shellcheck shell=bash disable=SC2154
# gantry/debian-sid: what debian:sid-slim is elsewhere; only builds use it.
debian_sid_image() {
  local root
  root=$(new_stage debian-sid)
  debootstrap --variant=minbase sid "$root"
  # A mirror may be behind this machine's clock. What is taken from it is checked against a checksum of our own.
  echo 'Acquire::Check-Valid-Until "false";' >"$root/etc/apt/apt.conf.d/90mirror"
  rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb "${root:?}"/dev/* \
    "$root"/etc/{hostname,resolv.conf}
  tar -C "$root" --sort=name --numeric-owner --mtime=@0 -cf - . | "$docker_client" import -c 'CMD ["bash"]' - "$1"
  rm -rf "$root"
}
ensure_image gantry/debian-sid dev "$(input_hash images/debian-sid.sh)" debian_sid_image
