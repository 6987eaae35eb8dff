#!/bin/sh
# Runs the tests that make up their examples again and again with new ones, for MINUTES (30) or until one fails:
# sh tools/fuzz.sh [pytest's arguments]. What is found is kept in .hypothesis and tried first by the next `make test`;
# put it into the test as an @example as well.
unset CDPATH
cd "$(dirname "$0")/.." || exit 1
python=${FOVEA_VENV:-.venv}/bin/python
end=$(($(date +%s) + ${MINUTES:-30} * 60))
round=0
while :; do
    round=$((round + 1))
    printf '== round %s\n' "$round"
    "$python" -m pytest -x -m 'hypothesis and not slow' --hypothesis-profile=search --timeout=1800 "$@"
    status=$?
    [ "$status" -eq 0 ] || exit "$status"
    [ "$(date +%s)" -lt "$end" ] || exit 0
done
