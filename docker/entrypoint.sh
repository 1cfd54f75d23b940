#!/bin/sh
# What a container runs: `serve`, `daily`, a program, or else a command of manage.py.
set -eu
cd "$(dirname "$0")/.."

daily() {
    # A job that fails says why in the log, and is tried again the day after.
    trap 'exit 0' TERM INT
    while :; do
        python manage.py sweep --delete || :
        python manage.py clearsessions || :
        sleep 86400 &
        wait $!
    done
}

case "${1:-serve}" in
serve) exec python -m gunicorn --config docker/gunicorn.py config.wsgi:application ;;
daily) daily ;;
python | sh) exec "$@" ;;
*) exec python manage.py "$@" ;;
esac
