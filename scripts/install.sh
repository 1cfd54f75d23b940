#!/bin/sh
# Makes the virtual environment $2 with the Python $1 and installs what $3 pins into it; what that
# needs in turn is pinned in $4, which is constraints.txt unless another file is given.
set -eu

fail() {
    echo "triphase: $1" >&2
    exit 1
}

[ -n "$1" ] || fail "Python 3.11 or newer is needed; install it, or name one: make PYTHON=/path/to/python3.11 …"
"$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    fail "Python 3.11 or newer is needed, and $1 is not that."
[ -w . ] || fail "This folder cannot be written to; the virtual environment and the database go here."
if [ ! -x "$2/bin/pip" ]; then
    echo "triphase: making a virtual environment …" >&2
    "$1" -m venv --clear "$2" >/dev/null 2>&1 ||
        fail "The virtual environment cannot be made; on Debian, install python3-venv."
fi
echo "triphase: installing what $3 pins …" >&2
"$2/bin/python" -m pip install -qq --disable-pip-version-check -r "$3" -c "${4:-constraints.txt}" ||
    fail "The packages cannot be installed; see above for the reason."
