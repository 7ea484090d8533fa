#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# usage: debian-packages.sh DIR
#
# Builds the Debian packages of the tree as it is, for the release that this runs
# on, into DIR. "apt-get build-dep ." installs what that takes.
set -eu

[ $# -eq 1 ] || { sed -n '3s/^# //p' "$0" >&2; exit 2; }
top=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
# dpkg-buildpackage writes beside the tree that it builds.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

mkdir "$scratch/vballoon"
tar -C "$top" --exclude=./.git --exclude='./build*' -cf - . | tar -C "$scratch/vballoon" -xf -
(cd "$scratch/vballoon" && dpkg-buildpackage -b -us -uc)
cp "$scratch"/*.deb "$scratch"/*.buildinfo "$scratch"/*.changes "$out"
