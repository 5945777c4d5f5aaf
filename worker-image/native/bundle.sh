#!/bin/sh
# Lays out below a folder what process checkpoints need, as /gantry/criu: bundle.sh FOLDER. Run as root on Debian sid, in the
# image's build, where criu, gcc, libc6-dev, patchelf and libcap2-bin are installed.
#
# CRIU comes with its own libraries and their loader beside it, found by absolute paths in the program: the image's own may be of
# another release, and a program with file capabilities takes no path from the environment.
set -eu
sources=$(cd "$(dirname "$0")" && pwd)
target=$1/gantry/criu
home=/gantry/criu

mkdir -p "$target/lib"
# task-parent is static: what it runs on is the image's, not sid's.
cc -std=gnu17 -O2 -Wall -Wextra -Werror -static -s -o "$target/task-parent" "$sources/task-parent.c"
cc -std=gnu17 -O2 -Wall -Wextra -Werror -shared -fPIC -s -o "$target/preload.so" "$sources/preload.c"

criu=$(command -v criu)
# `libfoo.so.1 => /lib/…/libfoo.so.1 (0x…)`, and the loader without an arrow.
libraries=$(ldd "$criu" | sed -nE 's|^.*[[:space:]](/[^ ]+) \(0x[0-9a-f]+\)$|\1|p')
for library in $libraries; do install -m 755 "$library" "$target/lib/"; done
loader=$(basename "$(patchelf --print-interpreter "$criu")")
[ -f "$target/lib/$loader" ] || { echo "bundle: ldd names no $loader" >&2; exit 1; }
install -m 755 "$criu" "$target/criu"
patchelf --set-interpreter "$home/lib/$loader" --set-rpath "$home/lib" --force-rpath "$target/criu"

# Their licences ask for it.
for file in "$criu" $libraries; do
  package=$(dpkg-query --search "$(realpath "$file")" | cut -d: -f1)
  install -Dm644 "/usr/share/doc/$package/copyright" "$target/licenses/$package"
done

# Last: every change of a file takes its capabilities away.
setcap cap_checkpoint_restore,cap_setpcap=ep "$target/criu"
