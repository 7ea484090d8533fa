#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Every header stands alone. Public ones compile as C99, C11 and C++17 with both
# compilers, and their documentation names the parameters that are there; the
# wire headers compile freestanding too, and where there is no Linux.
set -euo pipefail
cd "${1:-.}"

failed=0
warnings=(-Wall -Wextra -Wpedantic -Wconversion -Wundef -Werror)

# try HEADER COMPILER [OPTION...]: compiles a file that only includes the header.
try()
{
	local header=$1
	shift
	if ! "$@" "${warnings[@]}" -Iinclude -fsyntax-only - <<<"#include <$header>"; then
		echo "$header: does not stand alone: $*"
		failed=1
	fi
}

while read -r header; do
	for compiler in gcc clang; do
		try "$header" "$compiler" -x c -std=c99
		try "$header" "$compiler" -x c -std=c11 -Wstrict-prototypes
	done
	try "$header" g++ -x c++ -std=c++17
	try "$header" clang++ -x c++ -std=c++17
	try "$header" clang -x c -std=c11 -Wdocumentation
done < <(cd include && find . -name '*.h' -printf '%P\n' | sort)

while read -r header; do
	try "$header" gcc -x c -std=c99 -ffreestanding
	try "$header" gcc -x c -std=c99 -ffreestanding -U__linux__
	try "$header" g++ -x c++ -std=c++17 -U__linux__
done < <(cd include && find vballoon/abi -name '*.h' | sort)

while read -r header; do
	try "$header" gcc -x c -std=gnu11 -D_GNU_SOURCE -Isrc -Wno-pedantic -Wno-sign-conversion
done < <(cd src && find . -name '*.h' -printf '%P\n' | sort)

exit "$failed"
