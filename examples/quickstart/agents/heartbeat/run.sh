#!/bin/sh
# Takes the pulse of this machine; see SKILL.md.
set -eu
export LC_ALL=C # figures with a point

enough=6        # samples that make a summary
minutes_kept=1440

case "$AL_AGENT_DIR" in
/app/static) var=/data ;; # in a container; see ../../in-containers
*) var="$AL_AGENT_DIR/../../var" ;;
esac
state="$var/heartbeat"
mkdir -p "$state"
samples="$state/samples.csv"
minutes="$state/minutes.csv"
touch "$samples"

load() {
  if [ -r /proc/loadavg ]; then
    cut -d' ' -f1 /proc/loadavg
  else
    uptime | sed 's/.*load average[s]*: *//; s/[, ].*//'
  fi
}

# Memory in use, in percent; 0 where the system does not say it this way.
memory_percent() {
  if [ -r /proc/meminfo ]; then
    awk '/^MemTotal:/ {total = $2} /^MemAvailable:/ {free = $2}
         END {printf "%d", (total > 0) ? 100 * (total - free) / total : 0}' /proc/meminfo
  else
    printf 0
  fi
}

disk_percent() {
  df -Pk "$AL_AGENT_DIR" | awk 'NR == 2 {sub("%", "", $5); print $5}'
}

# Samples from before are enough for a summary: that is this run's work.
waiting=$(wc -l <"$samples" | tr -d ' ')
if [ "$waiting" -ge "$enough" ]; then
  head -n "$enough" "$samples" >"$samples.batch"
  tail -n "+$((enough + 1))" "$samples" >"$samples.rest"
  mv "$samples.rest" "$samples"
  summary=$(awk -F, -v at="$(date -u +%Y-%m-%dT%H:%M:%SZ)" '
    {sum += $2; if ($2 > peak) peak = $2}
    END {printf "%s,%.2f,%.2f", at, sum / NR, peak}' "$samples.batch")
  rm -f "$samples.batch"
  echo "$summary" >>"$minutes"
  tail -n "$minutes_kept" "$minutes" >"$minutes.new" && mv "$minutes.new" "$minutes"
  mean=$(echo "$summary" | cut -d, -f2)
  peak=$(echo "$summary" | cut -d, -f3)
  echo "summed up $enough samples: mean load $mean, peak $peak"
  al-status "summed up $enough samples: mean load $mean, peak $peak" >/dev/null
  al-return "{\"samples\": $enough, \"load_mean\": $mean, \"load_peak\": $peak}" >/dev/null
  if [ "$(wc -l <"$samples")" -ge "$enough" ]; then
    al-rerun >/dev/null # more than one summary was waiting, after a pause for instance
  fi
  exit 0
fi

load=$(load)
memory=$(memory_percent)
disk=$(disk_percent)
printf '%s,%s,%s,%s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$load" "$memory" "$disk" >>"$samples"
waiting=$((waiting + 1))

echo "load $load, memory $memory %, disk $disk %"
al-status "load $load, memory $memory %, disk $disk %" >/dev/null
al-return "{\"load\": $load, \"memory_percent\": $memory, \"disk_percent\": $disk}" >/dev/null

if [ "$disk" -ge 95 ]; then
  echo "the disk is nearly full ($disk %)" >&2
fi
if [ "$waiting" -ge "$enough" ]; then
  echo "$waiting samples wait to be summed up: asking for a rerun"
  al-rerun >/dev/null
fi
