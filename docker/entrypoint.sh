#!/bin/sh
# What a container runs: `serve`, `daily`, a program, or else a command of manage.py.
set -eu
cd "$(dirname "$0")/.."

daily() {
    # A job that fails says why in the log, and is tried again the day after; but a sweep that was
    # stopped in ten minutes: the store may still be starting, as it is whenever a machine is.
    trap 'exit 0' TERM INT
    while :; do
        pause=86400
        python manage.py clearsessions || :
        python manage.py sweep --delete || [ $? -ne 2 ] || pause=600
        sleep "$pause" &
        wait $!
    done
}

case "${1:-serve}" in
serve) exec python -m gunicorn --config docker/gunicorn.py config.wsgi:application ;;
daily) daily ;;
python | sh) exec "$@" ;;
*) exec python manage.py "$@" ;;
esac
