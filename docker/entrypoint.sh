#!/bin/sh
# What a container runs: `serve`, `streams`, `daily`, a program, or else a command of manage.py.
set -eu
cd "$(dirname "$0")/.."

daily() {
    # A job that fails logs the reason, and runs again the next day. A sweep that was stopped runs
    # again after ten minutes: the store may still be starting, as after a start of the machine.
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
# Files that pass through the site: most of a stream's time its thread waits for a client.
streams) exec python -m gunicorn --config docker/gunicorn.py --threads 64 config.wsgi:application ;;
daily) daily ;;
python | sh) exec "$@" ;;
*) exec python manage.py "$@" ;;
esac
