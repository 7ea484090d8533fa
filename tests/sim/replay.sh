#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# replay.sh SIM SEED SCHEDULES: two processes must take the very same steps.
set -eu

first=$("$1" --seed "$2" --schedules "$3" --trace | sha256sum)
second=$("$1" --seed "$2" --schedules "$3" --trace | sha256sum)
if [ "$first" != "$second" ]; then
	echo "two runs of seed $2 differ: $first $second"
	exit 1
fi
# A trace that told nothing would be the same twice, too.
other=$("$1" --seed "$((${2} + 1))" --schedules "$3" --trace | sha256sum)
[ "$first" != "$other" ] || { echo "two seeds give one trace"; exit 1; }
echo "seed $2, $3 schedules: $first"
