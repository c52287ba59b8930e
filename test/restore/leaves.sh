#!/bin/sh
# Ends at once; leaves a child in its group that keeps the pipe open. Prints both PIDs.
sleep 300 &
echo "$$ $!"
