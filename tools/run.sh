#!/bin/sh
# Opens Fovea with the arguments given; without a display, and without arguments, the demo instead.
unset CDPATH
cd "$(dirname "$0")/.." || exit 1
python=${FOVEA_VENV:-.venv}/bin/python

if [ $# -eq 0 ] && [ "$(uname -s)" = Linux ] && [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}${QT_QPA_PLATFORM:-}" ]; then
    echo "fovea: there is no display here, so this runs 'fovea demo' instead of opening the window"
    set -- demo
fi
exec "$python" -m desktop "$@"
