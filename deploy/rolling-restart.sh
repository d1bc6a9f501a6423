#!/bin/sh
# Restart the web processes one after the other, without a failed request: after an update and its migrations.
# Usage: rolling-restart.sh 8001 8002
set -eu
for port in "$@"; do
    systemctl restart "openrouter-web@$port"    # returns when its running responses have ended
    tries=0
    until curl --fail --silent --output /dev/null --max-time 5 "http://127.0.0.1:$port/readyz"; do
        tries=$((tries + 1))
        if [ "$tries" -ge 60 ]; then
            echo "Port $port is not ready after a minute. The other processes still run the old version." >&2
            exit 1
        fi
        sleep 1
    done
done
