#!/bin/sh
# Writes the name of each signal that it gets to the file given; ends at SIGTERM.
file=$1
# The shell tells of signals there, and would die of that once nobody reads it.
exec 2>/dev/null
trap 'echo INT >>"$file"' INT
trap 'echo TERM >>"$file"; exit 0' TERM
echo "$$ $$"
while :; do sleep 0.05; done
