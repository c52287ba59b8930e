#!/bin/sh
# Ends what stagewatch started when stagewatch itself can no longer do so. Reads lines from standard input:
#   add PID STARTTICKS SIGNAL     a process group, its leader's start time, the first signal that it gets
#   del PID                       it is gone
#   bye                           nothing is left to do
# End of input without `bye` means that stagewatch died.

trap '' INT TERM HUP QUIT PIPE TTOU TTIN
set -f
children=' '

is_number() {
  case $1 in '' | *[!0-9]*) return 1 ;; esac
}

# Sets state, pgrp and start from the text of a /proc/PID/stat. The name in it may hold blanks and brackets.
read_stat() {
  IFS= read -r line 2>/dev/null <"$1" || return 1
  # shellcheck disable=SC2086 # split into fields
  set -- ${line##*) }
  state=$1 pgrp=$3 session=$4 start=${20}
}

# Is the group still the one that was added? Its number may belong to another one by now.
is_ours() {
  if read_stat "/proc/$1/stat"; then
    [ "$start" = "$2" ] || return 1
    [ "$state" != Z ] && return 0
  fi
  # The leader has gone: members that it left behind? They cannot be older than it.
  set +f
  for stat in /proc/[0-9]*/stat; do
    if read_stat "$stat" && [ "$pgrp" = "$1" ] && [ "$session" = "$1" ] && [ "$state" != Z ] && [ "$start" -ge "$2" ]; then
      set -f
      return 0
    fi
  done
  set -f
  return 1
}

# Signals all that is left: `own` is each one's first signal. They may be stopped, so they are continued.
signal_rest() {
  rest=' '
  for child in $children; do
    pid=${child%%:*} ticks=${child#*:} first=${child##*:}
    ticks=${ticks%:*}
    is_ours "$pid" "$ticks" || continue
    if [ "$1" = own ]; then kill -s "$first" -- "-$pid"; else kill -s "$1" -- "-$pid"; fi
    kill -s CONT -- "-$pid"
    rest="$rest$child "
  done 2>/dev/null
  children=$rest
  [ "$children" != ' ' ]
}

while read -r word pid ticks signal; do
  case $word in
    bye) exit 0 ;;
    add)
      is_number "$pid" && is_number "$ticks" && [ "$pid" -gt 1 ] || continue
      case $signal in INT | TERM) ;; *) signal=TERM ;; esac
      children="$children$pid:$ticks:$signal "
      ;;
    del)
      is_number "$pid" || continue
      rest=' '
      for child in $children; do
        [ "${child%%:*}" = "$pid" ] || rest="$rest$child "
      done
      children=$rest
      ;;
  esac
done

[ "$children" != ' ' ] || exit 0
signal_rest own || exit 0
sleep 2
signal_rest TERM || exit 0
sleep 2
signal_rest KILL
