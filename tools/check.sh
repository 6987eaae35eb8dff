#!/bin/sh
# Runs the named steps to the end, whatever fails on the way: sh tools/check.sh [lint] [test [pytest's arguments]]
unset CDPATH
cd "$(dirname "$0")/.." || exit 1
python=${FOVEA_VENV:-.venv}/bin/python
failed=

step() {
    name=$1
    shift
    printf '== %s\n' "$name"
    "$@" || failed="$failed $name;"
}

if [ "${1:-}" = lint ]; then
    shift
    step 'ruff check' "$python" -m ruff check --quiet .
    step 'ruff format' "$python" -m ruff format --check --quiet .
    step 'mypy' "$python" -m mypy
    step 'import contracts' "$python" -c 'from importlinter.cli import lint_imports_command as run; run(["--no-logo"])'
fi
if [ "${1:-}" = test ]; then
    shift
    if [ $# -gt 0 ]; then
        step 'pytest' "$python" -m pytest "$@"
    else
        # Two at a time: most tests wait for processes that they start. A file's tests stay together: they share what
        # takes long to make. Which files are begun first: tests/longest_first.txt.
        step 'pytest' "$python" -m pytest -n 2 --dist loadfile --no-loadscope-reorder
    fi
fi
if [ -n "$failed" ]; then
    printf 'failed:%s see above\n' "$failed" >&2
    exit 1
fi
