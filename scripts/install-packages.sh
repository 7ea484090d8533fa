#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# install-packages.sh [--yes] LIST...: installs the Debian packages of the lists
# that are missing. Asks before, unless told not to. A line of a list is the name
# of a package and why it is needed.
set -euo pipefail

yes=
if [ "${1:-}" = --yes ]; then
	yes=1
	shift
fi

missing=()
while read -r package reason; do
	case $package in '' | '#'*) continue ;; esac
	state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
	if [ "$state" != installed ] && [[ " ${missing[*]} " != *" $package "* ]]; then
		missing+=("$package")
		printf '  %-24s %s\n' "$package" "$reason"
	fi
done < <(cat "$@")
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" != 0 ]; then
	as_root=(sudo)
fi
echo "${#missing[@]} Debian packages are missing."
if [ -z "$yes" ]; then
	if [ ! -t 0 ]; then
		echo "Nobody is here to ask: run it with --yes to have them installed." >&2
		exit 1
	fi
	read -r -p "Install them with apt-get? [y/N] " answer
	case $answer in [yY]*) ;; *) exit 1 ;; esac
fi
"${as_root[@]}" apt-get -q update
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 \
	install --no-install-recommends "${missing[@]}"
