#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# replay.sh SIM SEED SCHEDULES [OPTION]...: two processes must take the very same steps.
set -eu

sim=$1 seed=$2 schedules=$3
shift 3
first=$("$sim" "$@" --seed "$seed" --schedules "$schedules" --trace | sha256sum)
second=$("$sim" "$@" --seed "$seed" --schedules "$schedules" --trace | sha256sum)
if [ "$first" != "$second" ]; then
	echo "two runs of seed $seed differ: $first $second"
	exit 1
fi
# A trace that told nothing would be the same twice, too.
other=$("$sim" "$@" --seed "$((seed + 1))" --schedules "$schedules" --trace | sha256sum)
[ "$first" != "$other" ] || { echo "two seeds give one trace"; exit 1; }
echo "seed $seed, $schedules schedules: $first"
