#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Every header stands alone. Public ones compile as C99, C11 and C++17 with both
# compilers, and their documentation names the parameters that are there; the
# wire headers compile freestanding too, and where there is no Linux.
set -euo pipefail
cd "${1:-.}"

# The trials of every header: "HEADER COMPILER OPTION...", a line each.
trials()
{
	while read -r header; do
		for compiler in gcc clang; do
			echo "$header $compiler -x c -std=c99"
			echo "$header $compiler -x c -std=c11 -Wstrict-prototypes"
		done
		echo "$header g++ -x c++ -std=c++17"
		echo "$header clang++ -x c++ -std=c++17"
		echo "$header clang -x c -std=c11 -Wdocumentation"
	done < <(cd include && find . -name '*.h' -printf '%P\n' | sort)

	while read -r header; do
		echo "$header gcc -x c -std=c99 -ffreestanding"
		echo "$header gcc -x c -std=c99 -ffreestanding -U__linux__"
		echo "$header g++ -x c++ -std=c++17 -U__linux__"
	done < <(cd include && find vballoon/abi -name '*.h' | sort)

	while read -r header; do
		echo "$header gcc -x c -std=gnu11 -D_GNU_SOURCE -Isrc -Wno-pedantic -Wno-sign-conversion"
	done < <(cd src && find . -name '*.h' -printf '%P\n' | sort)
}

# try HEADER COMPILER OPTION...: compiles a file that only includes the header.
try()
{
	local header=$1 warnings=(-Wall -Wextra -Wpedantic -Wconversion -Wundef -Werror)
	shift
	"$@" "${warnings[@]}" -Iinclude -fsyntax-only - <<<"#include <$header>" && return
	echo "$header: does not stand alone: $*"
	return 1
}

export -f try
trials | xargs -P "$(nproc)" -L 1 bash -c 'try "$@"' try
