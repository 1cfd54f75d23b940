#!/bin/sh
# Installs Debian's chromium for the browser tests, or says why they will be skipped.
set -eu

if command -v chromium >/dev/null; then
    exit 0
fi
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    echo "triphase: installing chromium for the browser tests …" >&2
    log=$(mktemp)
    if { apt-get update && DEBIAN_FRONTEND=noninteractive \
        apt-get install --yes --no-install-recommends chromium fonts-dejavu-core; } >"$log" 2>&1; then
        exit 0
    fi
    tail -n 5 "$log" >&2
fi
echo "triphase: there is no chromium, so the browser tests are SKIPPED (apt-get install chromium)." >&2
[ -z "${CI:-}" ] || exit 1
