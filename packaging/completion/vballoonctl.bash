# SPDX-License-Identifier: BSD-3-Clause
# bash completion for vballoonctl(1); a test holds it to what --help tells.

_vballoonctl()
{
	local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD - 1]}"
	local commands="set status stats watch why doctor events policy reclaim-free drop save-state skip-map features reset upgrade"
	local options="--control-path --json --help --version"
	local rules="pages= withdraw-target= withdraw-pressure= withdraw-oom= floor= inflate-rate= host-pressure="
	local command="" rule="" i

	case $before in
	--control-path | --bitmap)
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
		--control-path | --timeout | --interval | --deadline | --period | --bitmap) ((i++)) ;;
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
	skip-map) options="$options --bitmap --zeros" ;;
	watch) options="$options --interval --once --no-color" ;;
	policy)
		# bash makes a word of each "=".
		if [ "$word" = "=" ]; then
			rule=$before word=""
		elif [ "$before" = "=" ]; then
			rule=${COMP_WORDS[COMP_CWORD - 2]}
		fi
		case $rule in
		"") options="$options $rules" ;;
		pages) options="eager warm" ;;
		withdraw-*) options="grant floor refuse" ;;
		*) options="" ;;
		esac
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
	[[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} != *= ]] || compopt -o nospace 2>/dev/null
}

complete -F _vballoonctl vballoonctl
