# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# Completion for bash: commands, their options and, from the daemon, the names of machines. A test
# holds the lists against the program's.

_ballast_commands='list show top plan explain set disable enable adopt expect forget device reserve
    release reservations doctor events history audit record replay simulate host version help'
_ballast_options='--json --socket --url --token-file --no-color --help --version'

# The options of a command.
_ballast_options_of() {
    case $1 in
    list) echo '--names' ;;
    top) echo '--delay --number --batch --sort --reverse' ;;
    set) echo '--min --max --weight --class --owner --managed' ;;
    reserve) echo '--for' ;;
    expect) echo '--for --cancel' ;;
    events) echo '--follow --machine --after --limit' ;;
    history) echo '--step --from --to --limit --csv' ;;
    audit) echo '--from --limit' ;;
    record) echo '--output --for' ;;
    esac
}

# What an option may be given; fails where the word itself is to be completed.
_ballast_values() { # option command
    case $1 in
    --class) echo 'guaranteed burst spare' ;;
    --managed) echo 'yes no' ;;
    --step) echo 'raw minute quarter' ;;
    --sort) echo 'name now used demand maximum move' ;;
    --machine | -m) ballast list --names 2>/dev/null ;;
    --min | --max | --weight | --owner | --delay | --number | --after | --limit | --from | --to) ;;
    --url | -d | -n) ;;
    *) return 1 ;;
    esac
}

_ballast() {
    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command='' i values value
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        [[ " ${_ballast_commands//$'\n'/ } " == *" ${COMP_WORDS[i]} "* ]] || continue
        command=${COMP_WORDS[i]}
        break
    done
    case $previous in
    --socket | --token-file | --output | -o) # files
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return ;;
    esac
    if [[ $previous == --for && ($command == record || $command == expect) ]]; then
        return
    elif values=$(_ballast_values "$previous"); then
        :
    elif [[ $word == -* ]]; then
        values="$(_ballast_options_of "$command") $_ballast_options"
    else
        case $command in
        '' | help) values=$_ballast_commands ;;
        show | explain | set | disable | enable | adopt | expect | forget | device | doctor | history)
            values=$(ballast list --names 2>/dev/null) ;;
        release) values=$(ballast reservations 2>/dev/null | awk 'NR > 1 { print $1 }') ;;
        replay)
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            return ;;
        *) values='' ;;
        esac
    fi
    # Names come from the daemon and are read as text: compgen -W would run what stands in $(...),
    # and so would the shell when the line is entered.
    for value in $values; do
        if [[ $value == "$word"* && $value != *[!A-Za-z0-9_.@-]* ]]; then
            COMPREPLY+=("$value")
        fi
    done
}

complete -F _ballast ballast
