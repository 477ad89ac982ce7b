#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Keys and values over TCP, which a node agent can move while they change: state by hooks.
#
#     sh kv.sh serve 127.0.0.1 7000
#
# The state is a file of changes: the last line of a key counts. So what came after an offset is a delta.
# `handle` serves one connection on its standard input and output, as inetd would start it; python3 plays inetd here.
# The other words are hooks; what they are told stands in the environment (docs/function-socket.md).
set -eu
export LC_ALL=C
BYTES_MAX=16777216  # of the file

if [ -n "${VNFPOOL_FOLDER:-}" ]; then
  folder=$VNFPOOL_FOLDER
else
  # Without an agent: our own folder, and we are active.
  folder=${KV_FOLDER:=$(mktemp -d)}
  export KV_FOLDER
  echo active > "$folder/role"
fi
touch "$folder/log" "$folder/lock"

# What counts of a file of changes, as a shorter one.
compact() {
  awk '{ last[$2 ""] = $0 } END { for (key in last) if (last[key] ~ /^set /) print last[key] }' "$1"
}

size() { wc -c < "$folder/$1" | tr -d ' '; }

# Runs one command while nobody else reads or writes the state.
locked() { (flock 9; "$@") 9> "$folder/lock"; }

value() {
  awk -v key="$1" '$2 "" == key "" { found = /^set /; value = substr($0, length($2) + 6) }
    END { if (found) print value; else exit 1 }' "$folder/log"
}

append() {
  if [ "$(size log)" -gt $((BYTES_MAX / 2)) ] && [ ! -e "$folder/exported" ]; then
    compact "$folder/log" > "$folder/log.new"
    mv "$folder/log.new" "$folder/log"
  fi
  if [ "$(size log)" -gt $BYTES_MAX ]; then echo full; return; fi
  printf '%s\n' "$1" >> "$folder/log"
  printf '%s\n' "$2"
}

is_number() { printf '%s\n' "$1" | grep -Eq '^-?(0|[1-9][0-9]{0,16})$'; }

change() {
  # Quiesced between our look and our turn: wait again.
  if [ -e "$folder/quiesced" ]; then echo wait; return; fi
  verb=$1 key=$2 rest=$3
  if [ "$(cat "$folder/role" 2> /dev/null)" != active ]; then echo 'not active'; return; fi
  case $key in
    '') echo 'what?'; return ;;
    *[!A-Za-z0-9_.-]*) echo 'bad key'; return ;;
  esac
  case $verb in
    get) if old=$(value "$key"); then printf 'value %s\n' "$old"; else echo none; fi ;;
    set) if [ -n "$rest" ]; then append "set $key $rest" ok; else echo 'what?'; fi ;;
    del) append "delete $key" ok ;;
    add)
      old=$(value "$key") || old=0
      more=${rest:-1}
      if is_number "$old" && is_number "$more"; then
        sum=$((old + more))
        append "set $key $sum" "value $sum"
      else echo 'no number'; fi ;;
    *) echo 'what?' ;;
  esac
}

handle() {
  while read -r verb key rest; do
    if [ "$verb" = list ]; then
      locked compact "$folder/log" | cut -c 5- | sort
      echo end
      continue
    fi
    answer=wait
    while [ "$answer" = wait ]; do
      while [ -e "$folder/quiesced" ]; do sleep 0.05; done
      answer=$(locked change "$verb" "$key" "$rest")
    done
    printf '%s\n' "$answer"
  done
}

# Prints what is exported, and keeps in `exporting` up to where.
take() {
  size log > "$folder/exporting"
  from=$(cat "$folder/exported" 2> /dev/null) || from=
  if [ "$VNFPOOL_KIND" = snapshot ] || [ -z "$from" ]; then
    # From now on the file only grows.
    cp "$folder/exporting" "$folder/exported"
    echo clear
    compact "$folder/log"
  else
    tail -c "+$((from + 1))" "$folder/log"
  fi > "$folder/export"
}

put() {
  if [ "$VNFPOOL_KIND" = snapshot ]; then : > "$folder/log.new"; else cp "$folder/log" "$folder/log.new"; fi
  cat >> "$folder/log.new"
  # `clear`: everything before is gone. All or nothing, by the last step.
  awk '$1 == "clear" { n = 0; next } { line[n++] = $0 } END { for (i = 0; i < n; i++) print line[i] }' \
    "$folder/log.new" > "$folder/log.clean"
  mv "$folder/log.clean" "$folder/log"
  rm -f "$folder/log.new" "$folder/exported"
}

case ${1:-} in
  handle) handle ;;
  role) echo "$VNFPOOL_ROLE" > "$folder/role.new" && mv "$folder/role.new" "$folder/role" ;;
  export)
    # Not under the lock: whoever reads may be slow.
    locked take
    cat "$folder/export"
    mv "$folder/exporting" "$folder/exported" ;;
  import) locked put ;;
  quiesce) locked touch "$folder/quiesced" ;;
  resume) rm -f "$folder/exported" "$folder/quiesced" ;;
  discard) locked cp /dev/null "$folder/log" ;;
  serve)
    exec python3 -c '
import os, signal, socket, sys
address, port, script = sys.argv[1:]
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
server = socket.create_server((address, int(port)))
print(f"listening on {address}:{server.getsockname()[1]}", flush=True)
while True:
    connection, _ = server.accept()
    if os.fork() == 0:
        for number in (signal.SIGCHLD, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        os.dup2(connection.fileno(), 0)
        os.dup2(connection.fileno(), 1)
        os.execvp("sh", ["sh", script, "handle"])
    connection.close()
' "${2:-127.0.0.1}" "${3:-0}" "$0" ;;
  *)
    echo "usage: sh kv.sh serve [ADDRESS [PORT]]" >&2
    exit 2 ;;
esac
