#!/bin/sh
# Makes the virtual environment and installs what is missing, then gets out of the way.
#
#   sh tools/setup.sh run|dev|package
#
# Quick when all is there: one look at the system libraries and one at a stamp. The stamp is written last, so an
# interrupted installation is taken up again. PYTHON chooses the interpreter, FOVEA_VENV another folder than .venv.
set -eu
unset CDPATH
cd "$(dirname "$0")/.."

want=${1:-run}
torch=2.13.0
venv=${FOVEA_VENV:-.venv}
case $want in
    run) extras= ;;
    dev) extras='[dev,docs]' ;;
    package) extras='[package]' ;;
    *) echo "usage: tools/setup.sh run|dev|package" >&2; exit 2 ;;
esac

say() { printf 'fovea: %s\n' "$*"; }
die() { printf 'fovea: %s\n' "$*" >&2; exit 1; }

# --- the interpreter -----------------------------------------------------------------------------------------

# Prints 'MAJOR.MINOR fits|unfit BASE_PREFIX'; fails where the command is no working Python.
describe() {
    "$1" -c 'import sys
v = sys.version_info
print("%d.%d" % v[:2], "fits" if (3, 11) <= v[:2] < (3, 14) and sys.maxsize > 2**32 else "unfit", sys.base_prefix)' \
        2>/dev/null
}

has_pip() { "$1" -c 'import ctypes, ensurepip, ssl, venv' >/dev/null 2>&1; }

find_python() {
    found= first=
    if [ -n "${PYTHON:-}" ]; then set -- "$PYTHON"; else set -- python3.13 python3.12 python3.11 python3; fi
    for candidate; do
        facts=$(describe "$candidate") || continue
        found="$found $candidate (${facts%% *})"
        case $facts in *' fits '*) ;; *) continue ;; esac
        [ -n "$first" ] || first=$candidate
        if has_pip "$candidate"; then first=$candidate; break; fi
    done
    [ -n "$first" ] || die "a 64-bit Python 3.11, 3.12 or 3.13 is needed; found:${found:- none}." \
        "Install one, or name it: make PYTHON=/path/to/python3.13 …"
    python=$first
}

# --- system packages -----------------------------------------------------------------------------------------

# The Debian packages that are missing, for $1 as the interpreter that looks.
missing_packages() {
    if ! has_pip "$1"; then
        version=$(describe "$1")
        version=${version%% *}
        if [ "$(describe python3 | cut -d' ' -f1)" = "$version" ]; then echo python3-venv; else echo "python$version-venv"; fi
    fi
    "$1" tools/system_packages.py
}

ensure_system() {
    [ "$(uname -s)" = Linux ] || return 0
    packages=$(missing_packages "$1" | tr '\n' ' ')
    packages=${packages% }
    [ -n "$packages" ] || return 0
    if ! command -v apt-get >/dev/null 2>&1; then
        say "these system packages (by their Debian names) seem to be missing: $packages"
        say "install your system's equivalents if the next steps fail"
        return 0
    fi
    if [ "$(id -u)" != 0 ]; then
        die "system packages are missing. Run this line, then the same make command again:
  sudo apt-get update && sudo apt-get install -y --no-install-recommends $packages"
    fi
    say "installing system packages: $packages"
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq -o DPkg::Lock::Timeout=120 update || say "apt-get update failed; trying with the package lists at hand"
    # shellcheck disable=SC2086  # a list of names
    apt-get -qq -o DPkg::Lock::Timeout=120 install -y --no-install-recommends $packages </dev/null >"$log" 2>&1 || {
        cat "$log" >&2
        die "apt-get could not install: $packages"
    }
    left=$(missing_packages "$1" | tr '\n' ' ')
    [ -z "$left" ] || die "still missing after the installation: $left"
}

# --- the virtual environment ---------------------------------------------------------------------------------

# Shows one line a package instead of pip's dozens; the whole text goes into the log.
progress() {
    while IFS= read -r line; do
        printf '%s\n' "$line" >>"$log"
        case $line in
            Collecting*) line=${line#Collecting }; printf '  + %s\n' "${line%% *}" ;;
            *Downloading*GB\)* | *Downloading*[0-9][0-9].[0-9]' MB)'*) printf '    %s\n' "${line#"${line%%[! ]*}"}" ;;
            'Installing collected'*) printf '  unpacking (the longest step)\n' ;;
            ERROR* | *error:*) printf '%s\n' "$line" >&2 ;;
        esac
    done
}

pip_install() {
    log=$venv/setup.log
    : >"$log"
    # A pipe hides pip's exit status in a POSIX shell: it goes through a file.
    { PYTHONUNBUFFERED=1 "$venv/bin/python" -m pip install --disable-pip-version-check --no-input \
        --progress-bar off -c constraints.txt "$@" 2>&1 && echo ok >"$work/installed"; } | progress
    [ ! -f "$work/installed" ] || return 0
    tail -n 15 "$log" >&2
    die "pip could not install what Fovea needs; the whole text is in $log." \
        "Without a network, point pip to a folder of wheels (pip config set global.find-links FOLDER)."
}

# PyTorch for the test of the second back end: the CPU build or none. '+cpu' matches nothing that would pull CUDA.
torch_for_tests() {
    build=$torch
    [ "$(uname -s)" = Linux ] && build="$torch+cpu"
    for index in '' --extra-index-url=https://download.pytorch.org/whl/cpu; do
        # shellcheck disable=SC2086  # an empty word is no argument
        "$venv/bin/python" -m pip install --disable-pip-version-check --no-input --quiet --progress-bar off \
            --retries 0 --timeout 15 -c constraints.txt $index "torch==$build" >>"$venv/setup.log" 2>&1 && return 0
    done
    say "no CPU build of PyTorch $torch was found: the test of that back end will be skipped (docs/gpu.md)"
}

# Ray and a driver for PostgreSQL for the tests of clusters, where CLUSTER_TESTS=1 asks for them: 135 MB.
cluster_for_tests() {
    [ "${CLUSTER_TESTS:-}" = 1 ] || return 0
    "$venv/bin/python" -c 'import pg8000, pyarrow, ray' >/dev/null 2>&1 && return 0
    "$venv/bin/python" -m pip install --disable-pip-version-check --no-input --quiet --progress-bar off \
        --retries 1 --timeout 30 -c constraints.txt ray pyarrow pg8000 >>"$venv/setup.log" 2>&1 && return 0
    say "Ray could not be installed: the tests of clusters will be skipped (docs/cluster.md)"
}

work=$(mktemp -d "${TMPDIR:-/tmp}/fovea-setup.XXXXXX")
log=$work/log
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

wanted="$(cat pyproject.toml constraints.txt | cksum) $PWD"
current() { [ -f "$venv/fovea-$1.stamp" ] && [ "$(cat "$venv/fovea-$1.stamp")" = "$wanted" ]; }

usable() { # an environment with a fitting Python that runs and has pip, and PYTHON's own where that is named
    facts=$(describe "$venv/bin/python") || return 1
    case $facts in *' fits '*) ;; *) return 1 ;; esac
    if [ -n "${PYTHON:-}" ]; then
        asked=$(describe "$PYTHON") || die "PYTHON=$PYTHON does not run"
        [ "$asked" = "$facts" ] || return 1
    fi
}

# The models whose weights came as packages, made once for everybody who uses the environment; nothing is fetched.
prepare_models() {
    "$venv/bin/python" -m desktop models prepare --shared && return 0
    say "the model for everyday photographs could not be made now; everything else works without it"
    say "to try it again: $venv/bin/python -m desktop models prepare --shared"
}

# What the program loads of its translations: made anew where a source is newer.
compile_translations() {
    for source in resources/translations/*.ts; do
        if [ -f "$source" ] && [ ! "${source%.ts}.mo" -nt "$source" ]; then
            "$venv/bin/python" tools/translations.py --compile && return 0
            say "the translations could not be made ready: Fovea speaks English"
            return 0
        fi
    done
}

if usable && current "$want"; then
    ensure_system "$venv/bin/python"
    compile_translations
    prepare_models
    [ "$want" != dev ] || cluster_for_tests
    exit 0
fi
if ! usable || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    find_python
    ensure_system "$python"
    say "making $venv with $("$python" --version)"
    "$python" -m venv --clear "$venv" || die "$python could not make a virtual environment in $venv"
else
    ensure_system "$venv/bin/python"
fi
say "installing Fovea's packages into $venv (once; TensorFlow and Qt are large)"
pip_install -e ".$extras"
[ "$want" != dev ] || torch_for_tests
[ "$want" != dev ] || cluster_for_tests
printf '%s\n' "$wanted" >"$work/stamp"
mv "$work/stamp" "$venv/fovea-$want.stamp"
# What the tests need contains what the program needs.
[ "$want" = run ] || cp "$venv/fovea-$want.stamp" "$venv/fovea-run.stamp"
compile_translations
prepare_models
say "ready"
