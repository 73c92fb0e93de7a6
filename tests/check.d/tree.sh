# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# What the runners of whole systems share: a Debian tree, built once and never written to.

SEALSD_CACHE=${SEALSD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sealsd}
tree=

# tree_packages SECTION: of packages.list, with commas between.
tree_packages() {
        awk -v want="[$1]" '
                /^\[/ { inside = ($1 == want); next }
                { sub(/#.*/, "") }
                inside && NF { print $1 }' packages.list | paste -sd,
}

# build_tree SECTION [OPTION...]: sets $tree to a folder with the packages of that section, built by
# mmdebstrap with these options more; there is none where that fails. Its name has the hash of both, so
# that another list makes another tree. mmdebstrap works in memory, and eatmydata without fsync: half
# of the time.
build_tree() {
        local section=$1 packages new sum scratch=/dev/shm

        shift
        packages=$(tree_packages "$section")
        sum=$(printf '%s\n' "$packages" "$@" | sha256sum)
        tree=$SEALSD_CACHE/bookworm-${sum:0:12}
        [[ ! -d $tree ]] || return 0
        [[ -w $scratch ]] || scratch=${TMPDIR:-/tmp}
        mkdir -p "$SEALSD_CACHE"
        new=$tree.$$.tar
        echo "building a Debian tree in $SEALSD_CACHE, once; this takes minutes"
        if ! TMPDIR=$scratch eatmydata mmdebstrap --quiet --variant=minbase \
                --include="$packages" --dpkgopt=force-unsafe-io \
                --dpkgopt='path-exclude=/usr/share/man/*' \
                --dpkgopt='path-exclude=/usr/share/doc/*' \
                --dpkgopt='path-exclude=/usr/share/locale/*' \
                "$@" bookworm "$new"; then
                rm -f "$new"
                return 0
        fi
        mkdir "$tree.$$"
        tar -C "$tree.$$" --numeric-owner -xpf "$new"
        rm -f "$new"
        # Whoever comes second takes the first one's.
        mv -T "$tree.$$" "$tree" 2>/dev/null || rm -rf "$tree.$$"
}
