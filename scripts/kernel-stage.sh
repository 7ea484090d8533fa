#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# usage: kernel-stage.sh DIR
#
# Copies the sources of the Linux module, and what it shares with user space,
# into DIR, where they build on their own: "make -C $KDIR M=DIR", or DKMS. The
# source tree stays clean.
set -eu

[ $# -eq 1 ] || { sed -n '3s/^# //p' "$0" >&2; exit 2; }
top=$(cd "$(dirname "$0")/.." && pwd)

mkdir -p "$1/driver/decide" "$1/include/vballoon/abi"
cp -p "$top"/kernel/* "$1/"
cp -p "$top"/src/driver/decide/*.[ch] "$1/driver/decide/"
cp -p "$top"/include/vballoon/abi/*.h "$1/include/vballoon/abi/"
