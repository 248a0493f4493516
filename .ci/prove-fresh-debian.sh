#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Shows that a fresh Debian 12 with nothing but bash builds and tests a clean clone: makes a minimal one with debootstrap in
# a folder of its own, runs ./dev there, and takes everything away again. Needs root, debootstrap and git; packages come
# from the mirror that this machine's apt is set up for.

set -euo pipefail

usage() {
    cat <<'END'
Usage: .ci/prove-fresh-debian.sh [--working-tree] [--keep] [ARGUMENT...]

  --working-tree  take the files as they are here, not the last commit
  --keep          leave the system's folder behind, for looking at it
  ARGUMENT...     what ./dev test gets, e.g. -L unit (the default); `all` for the whole of ./dev test
END
}

readonly suite=bookworm
working_tree='' keep=''
while [[ $# -gt 0 ]]; do
    case $1 in
        --working-tree) working_tree=yes ;;
        --keep) keep=yes ;;
        -h | --help)
            usage
            exit 0
            ;;
        *) break ;;
    esac
    shift
done
[[ $# -gt 0 ]] || set -- -L unit
[[ $1 != all ]] || shift

[[ $(id -u) == 0 ]] || { echo "this needs root, to make and enter another system" >&2 && exit 1; }
for program in debootstrap git unshare; do
    command -v "$program" >/dev/null || { echo "$program is not installed" >&2 && exit 1; }
done

# Mounts are made in a namespace of our own, so that none outlives us.
if [[ -z ${COTERIE_PROOF_NAMESPACE:-} ]]; then
    arguments=("$@")
    [[ ${#arguments[@]} -gt 0 ]] || arguments=(all)
    export COTERIE_PROOF_NAMESPACE=yes
    exec unshare --mount --propagation private -- "${BASH_SOURCE[0]}" ${working_tree:+--working-tree} ${keep:+--keep} "${arguments[@]}"
fi

repository=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/..")
root=$(mktemp -d "${TMPDIR:-/tmp}/fresh-debian.XXXXXX")
# It becomes the / of users other than root.
chmod 755 "$root"

clean_up() {
    local place
    for place in sys proc dev; do umount --recursive --lazy "$root/$place" 2>/dev/null || true; done
    if [[ -n $keep ]]; then
        echo "kept: $root"
    elif grep -q " $root/" /proc/self/mounts; then
        echo "something is still mounted below $root; not removed" >&2
    else
        rm -rf --one-file-system "$root"
    fi
}
trap clean_up EXIT

# What apt reads on this machine: `URI suite component` lines, Debian's own suites only.
sources=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    awk -v suite="$suite" '($2 == suite || index($2, suite "-") == 1) && $3 == "main"' | sort -u)
mirror=$(awk -v suite="$suite" '$2 == suite { print $1; exit }' <<<"$sources")
[[ -n $mirror ]] || { echo "apt knows no mirror of $suite here" >&2 && exit 1; }

echo "== a fresh Debian ($suite)"
debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$root.log" 2>&1 || {
    tail -n 30 "$root.log" >&2
    exit 1
}
rm -f "$root.log"

echo "== as reachable as this machine"
awk '{ print "deb " $1 " " $2 " " $3 }' <<<"$sources" >"$root/etc/apt/sources.list"
apt-config dump | grep -E '^Acquire::(http|https|Check-Valid-Until|Retries)\b' >"$root/etc/apt/apt.conf.d/90host" || true
for file in /etc/resolv.conf /etc/hosts; do
    [[ -e $file ]] && cp -L "$file" "$root$file"
done
if [[ $sources == *https:* ]]; then
    mkdir -p "$root/etc/ssl/certs"
    cp -rL /etc/ssl/certs/. "$root/etc/ssl/certs/"
fi
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"

if [[ -n $working_tree ]]; then
    echo "== the files as they are"
    mkdir "$root/coterie"
    git -C "$repository" ls-files -z --cached --others --exclude-standard |
        (cd "$repository" && while IFS= read -r -d '' file; do [[ -e $file ]] && printf '%s\0' "$file"; done) |
        tar -C "$repository" --null --files-from=- -cf - | tar -C "$root/coterie" -xf -
else
    echo "== a clean clone of $(git -C "$repository" rev-parse --short HEAD)"
    git clone --quiet --no-hardlinks "$repository" "$root/coterie"
fi
chown -R 0:0 "$root/coterie"

inside() {
    env --ignore-environment PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM=dumb \
        ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} ${no_proxy:+no_proxy="$no_proxy"} \
        chroot "$root" bash -c 'cd /coterie && exec "$@"' bash "$@"
}

echo "== without root it says what to run"
if inside setpriv --reuid=65534 --regid=65534 --clear-groups ./dev build >"$root/refusal" 2>&1; then
    echo "./dev build without root and without a compiler did not fail" >&2
    exit 1
fi
grep -q 'apt-get install .*g++' "$root/refusal" || { cat "$root/refusal" >&2 && exit 1; }

echo "== ./dev build"
inside ./dev build
for product in bin/coteried bin/coterie lib/libcpg.so.4 lib/libcorosync_common.so.4; do
    [[ -e $root/coterie/build/$product ]] || { echo "build/$product is missing" >&2 && exit 1; }
done
echo "== ./dev test $*"
inside ./dev test "$@"
echo "== a fresh Debian builds and tests this"
