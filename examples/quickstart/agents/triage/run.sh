#!/bin/sh
# Reads an issue from the trigger and gives a verdict; see SKILL.md.
set -eu

case "$AL_AGENT_DIR" in
/app/static) var=/data ;; # in a container; see ../../in-containers
*) var="$AL_AGENT_DIR/../../var" ;;
esac
state="$var/triage"
mkdir -p "$state"
ledger="$state/ledger.tsv"
touch "$ledger"

trigger=$(tr '\n' ' ' <"$AL_TRIGGER_FILE")

# The text of a field, still escaped as in JSON, so that it can go into other JSON as it is.
text() {
  printf '%s' "$trigger" | sed -nE 's/.*"'"$1"'"[[:space:]]*:[[:space:]]*"(([^"\\]|\\.)*)".*/\1/p'
}

number() {
  printf '%s' "$trigger" | sed -nE 's/.*"'"$1"'"[[:space:]]*:[[:space:]]*([0-9]+).*/\1/p'
}

labels() {
  printf '%s' "$trigger" | sed -nE 's/.*"labels"[[:space:]]*:[[:space:]]*\[([^]]*)\].*/\1/p'
}

repo=$(text repo)
issue=$(number number)
action=$(text action)
title=$(text title)
if [ -z "$title" ]; then title=$(text prompt); fi
if [ -z "$title" ]; then
  echo "the trigger names no issue"
  al-status "nothing to look at" >/dev/null
  al-return '{"verdict": "none"}' >/dev/null
  exit 0
fi
subject="${repo:-by hand}${issue:+#$issue}"

al-status "reading $subject" >/dev/null
printf '%s\n' "$subject ${action:-given}: $title"

words=$(printf '%s %s %s' "$title" "$(text body)" "$(labels)" | tr '[:upper:]' '[:lower:]')
case $words in
  *security* | *"data loss"* | *crash* | *panic* | *urgent* | *outage*)
    verdict=urgent
    plan="tell whoever is on call, today" ;;
  *bug* | *fail* | *error* | *broken* | *wrong*)
    verdict=bug
    plan="ask for the version and a way to see it" ;;
  *question* | *"how "* | *"?"*)
    verdict=question
    plan="point to the manual and close after an answer" ;;
  *)
    verdict=later
    plan="put it on the list for the next planning" ;;
esac

before=$(awk -F'\t' -v subject="$subject" '$2 == subject {last = $3} END {print last}' "$ledger")
if [ -n "$issue" ] && [ -n "$before" ]; then
  if [ "$before" = "$verdict" ]; then
    echo "seen before, the verdict stays: $verdict"
  else
    echo "seen before as $before, now $verdict"
  fi
fi
printf '%s\t%s\t%s\t%s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$subject" "$verdict" "$title" >>"$ledger"

echo "verdict: $verdict; I would $plan"
al-status "$verdict: $subject" >/dev/null
al-return "{\"subject\": \"$subject\", \"verdict\": \"$verdict\", \"plan\": \"$plan\", \"title\": \"$title\"}" >/dev/null
