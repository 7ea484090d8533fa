#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# usage: dkms-stage.sh DIR | FILE.tar.gz
#
# What DKMS builds the Linux module from: its sources and dkms.conf at their root,
# in DIR or in an archive.
set -eu

[ $# -eq 1 ] || { sed -n '3s/^# //p' "$0" >&2; exit 2; }
top=$(cd "$(dirname "$0")/.." && pwd)
version=$(sed -n "s/^ *version: '\(.*\)',/\1/p" "$top/meson.build")

# stage DIR
stage()
{
	"$top/scripts/kernel-stage.sh" "$1"
	sed "s/@VERSION@/$version/" "$top/packaging/dkms/dkms.conf.in" >"$1/dkms.conf"
}

case $1 in
*.tar.gz)
	scratch=$(mktemp -d)
	trap 'rm -rf "$scratch"' EXIT
	stage "$scratch"
	tar -czf "$1" --owner=0 --group=0 --sort=name -C "$scratch" .
	;;
*) stage "$1" ;;
esac
