# SPDX-License-Identifier: BSD-3-Clause
# bash completion for vballoonctl(1); a test holds it to what --help tells.

_vballoonctl()
{
	local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD - 1]}"
	local commands="set status stats watch why doctor events policy reclaim-free drop reset"
	local options="--control-path --json --help --version"
	local command="" i

	case $before in
	--control-path)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		compopt -o filenames 2>/dev/null
		return
		;;
	--timeout | --interval | --deadline | --period)
		COMPREPLY=()
		return
		;;
	esac

	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--control-path | --timeout | --interval | --deadline | --period) ((i++)) ;;
		-*) ;;
		*)
			command=${COMP_WORDS[i]}
			break
			;;
		esac
	done

	case $command in
	"") options="$commands $options" ;;
	set) options="$options --guest-size --wait --timeout --deadline --keep --revert" ;;
	stats) options="$options --timeout --period" ;;
	reclaim-free) options="$options --wait --timeout" ;;
	watch) options="$options --interval --once --no-color" ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
}

complete -F _vballoonctl vballoonctl
