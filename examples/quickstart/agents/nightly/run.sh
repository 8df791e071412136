#!/bin/sh
# Shortens the files in var/; see SKILL.md.
set -eu

keep=500
case "$AL_AGENT_DIR" in
/app/static) notes=/data ;; # in a container; see ../../in-containers
*) notes=$(cd "$AL_AGENT_DIR/../.." && pwd -P)/var ;;
esac
files=0
dropped=0

for file in "$notes"/*/*.csv "$notes"/*/*.tsv; do
  [ -f "$file" ] || continue
  files=$((files + 1))
  lines=$(wc -l <"$file" | tr -d ' ')
  if [ "$lines" -gt "$keep" ]; then
    tail -n "$keep" "$file" >"$file.new"
    mv "$file.new" "$file"
    dropped=$((dropped + lines - keep))
    echo "$file: $lines lines, kept the last $keep"
  fi
done

al-status "$files files, $dropped lines dropped" >/dev/null
al-return "{\"files\": $files, \"lines_dropped\": $dropped}" >/dev/null
