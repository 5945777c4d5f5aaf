#!/usr/bin/env bash
# Builds the five programs of Kubernetes from Debian's source package into $K8S_BIN; does nothing where they are there.
# Needs Debian's package registry and nothing else of the internet. About 8 minutes on 2 cores, 3 GB of disk meanwhile.
set -euo pipefail
cd "$(dirname "$0")"
. ./settings.sh
. ./daemon.sh

programs=(kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubelet)
missing=()
for program in "${programs[@]}"; do [ -x "$K8S_BIN/$program" ] || missing+=("$program"); done
[ ${#missing[@]} -gt 0 ] || exit 0

say "  building Kubernetes $KUBERNETES_VERSION from source: ${missing[*]} (about 8 minutes on 2 cores, once a machine)"
work=${K8S_WORK:-/var/tmp/kubernetes-$KUBERNETES_VERSION-build}
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends dpkg-dev gcc jq rsync make >/dev/null
mkdir -p "$work"/{apt/lists/partial,apt/cache/archives/partial,go,home,gopath/src/k8s.io} "$K8S_BIN"
cd "$work"

# A view of Debian of its own, so that the machine's sources stay as they are: the source package, and Go 1.15, for which
# this Kubernetes was made. Built with Go 1.18 or later its API server crashes at random, in an old vendored library.
mirror=$(awk '/^URIs:/ { print $2; exit } /^deb / { print $2; exit }' \
  /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null | head -1)
signed="[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
printf '%s\n' "deb-src $signed $mirror bookworm main" "deb $signed $mirror bullseye main" >apt/sources.list
apt=(apt-get -qq "-oDir::State::Lists=$work/apt/lists" "-oDir::Etc::SourceList=$work/apt/sources.list"
  -oDir::Etc::SourceParts=/dev/null "-oDir::Cache=$work/apt/cache")
"${apt[@]}" update
[ -f kubernetes.dsc ] || { "${apt[@]}" source --download-only kubernetes && ln -sf kubernetes_1.20*.dsc kubernetes.dsc; }
[ -d src ] || dpkg-source -x kubernetes.dsc src >/dev/null
(cd go && "${apt[@]}" download golang-1.15-go golang-1.15-src && for each in *.deb; do dpkg -x "$each" .; done)

# This release is built in GOPATH's way; generated code first, which the API server needs.
ln -sfn "$work/src" gopath/src/k8s.io/kubernetes
export GOROOT=$work/go/usr/lib/go-1.15 GOPATH=$work/gopath GOCACHE=$work/gocache HOME=$work/home CGO_ENABLED=0
export PATH=$GOROOT/bin:$PATH
cd gopath/src/k8s.io/kubernetes
make generated_files >/dev/null
vendor=k8s.io/kubernetes/vendor/k8s.io
version="-X $vendor/component-base/version.gitVersion=v$KUBERNETES_VERSION -X $vendor/client-go/pkg/version.gitVersion=v$KUBERNETES_VERSION"
version="$version -X $vendor/component-base/version.gitMajor=1 -X $vendor/component-base/version.gitMinor=20"
for program in "${missing[@]}"; do
  # By renaming: what was cut off is not taken for a program.
  GO111MODULE=off go build -ldflags "-s -w $version" -o "$K8S_BIN/.$program" "k8s.io/kubernetes/cmd/$program"
  mv "$K8S_BIN/.$program" "$K8S_BIN/$program"
  say "    built $program"
done
rm -rf "${work:?}"
