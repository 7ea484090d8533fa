#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# usage: check-kernel.sh KDIR
#
# The Linux module builds against the kernel headers in KDIR without a warning
# from the compiler (W=1), nor from sparse, which checks byte order and locks.
set -eu

[ $# -eq 1 ] || { sed -n '3s/^# //p' "$0" >&2; exit 2; }
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

if ! "$(dirname "$0")/kernel-build.sh" "$1" "$out/module" W=1 C=2 CF=-D__CHECK_ENDIAN__ \
	>"$out/log" 2>&1; then
	cat "$out/log" >&2
	exit 1
fi
! grep -E '(warning|error):' "$out/log" >&2
