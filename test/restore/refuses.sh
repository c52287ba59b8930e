#!/bin/sh
# Ignores SIGTERM, SIGINT and SIGHUP, and so does the child that it leaves in its group. Prints both PIDs.
trap '' TERM INT HUP
sleep 300 &
echo "$$ $!"
wait
sleep 300
