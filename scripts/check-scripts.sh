#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Shell scripts pass shellcheck; Python compiles and uses what it imports; what asks only how a
# script is used is answered where nothing is installed.
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

bare=$(mktemp -d)
trap 'rm -r "$bare"' EXIT
printf '#!/bin/sh\n' >"$bare/dpkg-query"
chmod +x "$bare/dpkg-query"
for question in './check --help' './check --list' './demo --help'; do
	# shellcheck disable=SC2086 # words
	PATH=$bare:$PATH $question </dev/null >/dev/null || {
		echo "$question does not answer without packages"
		failed=1
	}
done
exit "$failed"
