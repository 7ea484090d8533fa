#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Every C file is formatted as .clang-format says. Versions of clang-format
# disagree in small things; 14 is the one that counts.
set -euo pipefail
cd "${1:-.}"

formatter=$(command -v clang-format-14 || command -v clang-format)
if ! "$formatter" --version | grep -q 'version 14\.'; then
	"$formatter" --version
	exit 77
fi
find . -path './build*' -prune -o -path ./.git -prune -o -name '*.[ch]' ! -name '*.mod.c' -print0 |
	xargs -0 "$formatter" --dry-run -Werror
