#!/bin/sh
# Measures folders, one after the other; see SKILL.md.
set -eu
export LC_ALL=C

params=$(tr '\n' ' ' <"$AL_PARAMS_FILE")

# param NAME DEFAULT: a text or number of the agent's [params].
param() {
  value=$(printf '%s' "$params" |
    sed -nE 's/.*"'"$1"'"[[:space:]]*:[[:space:]]*"?([^",}]*[^",} ])"?.*/\1/p')
  printf '%s' "${value:-$2}"
}

roots=$(param roots "/usr /var")
steps=$(param steps 15)
pause=$(param pause 3)

work=$(mktemp -d "${AL_WORK_DIR:-.}/survey.XXXXXX")
trap 'rm -rf "$work"' EXIT

for root in $roots; do
  find "$root" -mindepth 1 -maxdepth 1 -type d 2>/dev/null | sort
done | head -n "$steps" >"$work/folders"
total=$(wc -l <"$work/folders" | tr -d ' ')
if [ "$total" -eq 0 ]; then
  echo "no folder to measure below: $roots" >&2
  al-status "no folder to measure" >/dev/null
  exit 1
fi

at=0
while IFS= read -r folder <&3; do
  at=$((at + 1))
  al-status "$at of $total: $folder" >/dev/null
  # What may not be read is left out; du says so with its exit code, which is no failure here.
  size=$( (du -skx "$folder" 2>/dev/null || true) | cut -f1)
  printf '%s\t%s\n' "${size:-0}" "$folder" >>"$work/sizes"
  printf '%3d/%d  %8d KiB  %s\n' "$at" "$total" "${size:-0}" "$folder"
  if [ "$at" -lt "$total" ]; then sleep "$pause"; fi
done 3<"$work/folders"

sort -rn "$work/sizes" >"$work/sorted"
echo "largest:"
head -n 5 "$work/sorted" | while IFS="$(printf '\t')" read -r size folder; do
  printf '  %8d MiB  %s\n' $((size / 1024)) "$folder"
done

size=$(head -n 1 "$work/sorted" | cut -f1)
folder=$(head -n 1 "$work/sorted" | cut -f2 | sed 's/\\/\\\\/g; s/"/\\"/g')
al-status "largest of $total: $folder, $((size / 1024)) MiB" >/dev/null
al-return "{\"measured\": $total, \"largest\": \"$folder\", \"kib\": $size}" >/dev/null
