#!/bin/sh
# What {{name}} does: {{description}}
#
# The trigger is JSON on stdin and in $AL_TRIGGER_FILE, [params] are in $AL_PARAMS_FILE. The folder of
# this file is $AL_AGENT_DIR; the current folder is this run's own, and empty. Whatever is printed goes
# to the log, and another exit code than 0 is a failure.
set -eu

al-status "looking around"
echo "$AL_AGENT started at $(date '+%H:%M:%S'), because of:"
cat "$AL_TRIGGER_FILE"
echo

# Write here what is to be done.
free=$(df -Pk / | awk 'NR == 2 {print int($4 / 1024)}')
echo "free on this disk: $free MB"

al-status "done: $free MB free"
al-return "{\"freeMb\": $free}"
