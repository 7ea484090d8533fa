#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Shell scripts pass shellcheck; Python compiles and uses what it imports.
set -euo pipefail
cd "${1:-.}"

shell=()
python=()
while IFS= read -r -d '' file; do
	case $file in
	*.sh) shell+=("$file") ;;
	*.py) python+=("$file") ;;
	*)
		read -r first <"$file" || continue
		case $first in
		'#!'*python*) python+=("$file") ;;
		'#!'*sh) shell+=("$file") ;;
		esac
		;;
	esac
done < <(find . -path './build*' -prune -o -path ./.git -prune -o -path ./LICENSES -prune -o \
	-type f \( -name '*.sh' -o -name '*.py' -o -executable \) -print0 | sort -z)

echo "${#shell[@]} shell, ${#python[@]} Python"
failed=0
shellcheck --external-sources --severity=style "${shell[@]}" || failed=1
pyflakes3 "${python[@]}" || failed=1
exit "$failed"
