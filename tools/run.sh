#!/usr/bin/env bash
# `make run`: sets up, builds, serves on loopback, deploys the demo model as 'chat', asks it from zero and again warm, and keeps serving
# until Ctrl-C.
#
#   ONCE=1      end after the demo, with exit status 0
#   EBB_PORT=n  another port than 8390 (0: any free one)
#   EBB_HOME=d  another folder for models, endpoints and bills
set -euo pipefail
cd "$(dirname "$0")/.."
port=${EBB_PORT:-8390}
[[ $port =~ ^[0-9]+$ && $port -le 65535 ]] || { echo "run: EBB_PORT=$port is not a port" >&2; exit 2; }

tools/build.sh release programs

server=
work=$(mktemp -d)
finish() {  # stops the server and waits for it, whatever ended us
  trap '' INT TERM HUP
  if [[ -n $server ]] && kill -TERM "$server" 2>/dev/null; then wait "$server" || true; fi
  rm -rf "$work"
}
trap finish EXIT
trap 'echo; exit 130' INT
trap 'exit 143' TERM HUP

# In a session of its own: Ctrl-C reaches us alone, and we end the server in order.
setsid build/release/bin/ebb serve --port "$port" --port-file "$work/port" 2>"$work/log" &
server=$!
for ((i = 0; i < 300; i++)); do
  if [[ -s $work/port ]]; then break; fi
  if ! kill -0 "$server" 2>/dev/null; then
    wait "$server" || true
    server=
    cat "$work/log" >&2
    if ((port)) && (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      echo "run: something else listens on port $port (another 'make run'?): stop it, or choose: EBB_PORT=8391 make run" >&2
    fi
    exit 1
  fi
  sleep 0.1
done
[[ -s $work/port ]] || { cat "$work/log" >&2; echo "run: the server did not start listening within 30 s" >&2; exit 1; }
port=$(<"$work/port")

python3 tools/demo.py "http://127.0.0.1:$port"

if [[ -n ${ONCE:-} ]]; then
  kill -TERM "$server"
  wait "$server" && ended=0 || ended=$?
  server=
  if ((ended)); then cat "$work/log" >&2; echo "run: the server ended with $ended" >&2; fi
  exit "$ended"
fi

at=
if ((port != 8390)); then at=" --server http://127.0.0.1:$port"; fi
cat <<TEXT

Serving on http://127.0.0.1:$port until Ctrl-C. In another terminal:
  build/release/bin/ebb chat chat "Why is the sky blue?"$at
  build/release/bin/ebb ps$at
  build/release/bin/ebb bill$at
TEXT
# What the server said so far, and what it says from now on.
tail -n +1 -f --pid="$server" "$work/log" >&2 &
wait "$server" && ended=0 || ended=$?
server=
exit "$ended"
