#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# usage: kernel-build.sh KDIR OUTDIR [MAKE ARGUMENT]...
#
# Builds OUTDIR/virtio_memory_balloon.ko against the kernel headers in KDIR. The
# arguments go to make: W=1, C=2, CC=...
set -eu

[ $# -ge 2 ] || { sed -n '3s/^# //p' "$0" >&2; exit 2; }
kdir=$1
mkdir -p "$2"
out=$(cd "$2" && pwd)
shift 2

"$(dirname "$0")/kernel-stage.sh" "$out"
# Type information for BPF takes pahole and the kernel's own; we do without.
make -j"$(nproc)" -C "$kdir" M="$out" CONFIG_DEBUG_INFO_BTF_MODULES= "$@" modules
