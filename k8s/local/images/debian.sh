# shellcheck shell=bash disable=SC2154
# gantry/debian: Debian 12 with certificates and the C++ library, from Debian's packages alone. The others build on it.
debian_image() {
  local root
  root=$(new_stage debian)
  debootstrap --variant=minbase --include=ca-certificates,libstdc++6 bookworm "$root"
  rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb "$root"/var/log/* \
    "$root"/usr/share/{doc,man,info,locale}/* "${root:?}"/dev/* "$root"/etc/{hostname,resolv.conf}
  tar -C "$root" --sort=name --numeric-owner --mtime=@0 -cf - . | "$docker_client" import -c 'CMD ["bash"]' - "$1"
  rm -rf "$root"
}
ensure_image gantry/debian 12 "$(input_hash images/debian.sh)" debian_image
