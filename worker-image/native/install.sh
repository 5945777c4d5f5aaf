#!/bin/sh
# Installs what bundle.sh needs on Debian sid, CRIU as the package whose checksum the build names. Environment: CRIU_VERSION,
# CRIU_SHA256_AMD64, CRIU_SHA256_ARM64, DEBIAN_ARCHIVE (empty: the image's own sources).
set -eu
fail() {
  echo "install: $*" >&2
  exit 1
}

architecture=$(dpkg --print-architecture)
case $architecture in
  amd64) checksum=$CRIU_SHA256_AMD64 ;;
  arm64) checksum=$CRIU_SHA256_ARM64 ;;
  *) fail "process checkpoints are for amd64 and arm64, and this is $architecture" ;;
esac

if [ -n "$DEBIAN_ARCHIVE" ]; then
  rm -rf /etc/apt/sources.list.d/*
  echo "deb [check-valid-until=no] $DEBIAN_ARCHIVE sid main" >/etc/apt/sources.list
fi
cd /tmp
apt-get update -qq
apt-get download -qq "criu=$CRIU_VERSION" ||
  fail "Debian sid has no criu $CRIU_VERSION any more: give DEBIAN_ARCHIVE, or CRIU_VERSION and its checksums"
package=$(echo criu_*_"$architecture".deb)
echo "$checksum  $package" | sha256sum --check --quiet || fail "$package is not the package whose checksum was given"
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends gcc libc6-dev libcap2-bin patchelf "./$package"
dpkg --compare-versions "$(dpkg-query -W -f '${Version}' criu)" ge 4.2.1 || fail "CRIU before 4.2.1 does not do"
