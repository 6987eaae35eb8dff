"""Makes a release: ``python tools/release.py 0.2.0`` sets the version, dates the changes, commits and tags.

Nothing is pushed. What pushing the tag sets off is ``.github/workflows/package.yml``. ``--check`` changes nothing and
says whether it could be done.
"""

from __future__ import annotations

import argparse
import datetime
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

VERSION_FILE = "desktop/__init__.py"
CHANGES = "CHANGELOG.md"
BRANCH = "main"
_VERSION = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)
_NUMBER = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:rc(\d+))?")
_UNRELEASED = re.compile(r"^## Unreleased\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)


class ReleaseError(Exception):
    """Why there is no release, in one sentence."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the release that is asked for; exit status 1 where it cannot be, with the reason."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("version", help="MAJOR.MINOR.PATCH, or with rcN behind it")
    parser.add_argument("--check", action="store_true", help="change nothing")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[1], help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    try:
        text = check(options.root, options.version)
        if options.check:
            print(f"{options.version} can be released; its changes:\n\n{text}")
        else:
            release(options.root, options.version, datetime.date.today())
            print(f"Committed and tagged v{options.version}. Look at it, then: git push --follow-tags")
    except ReleaseError as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    return 0


def order(version: str) -> tuple[int, ...]:
    """What versions are compared by: a candidate comes before its release. Raises :class:`ReleaseError`."""
    match = _NUMBER.fullmatch(version)
    if not match:
        raise ReleaseError(f"'{version}' is no version; expected something like 1.2.0 or 1.2.0rc1")
    major, minor, patch, candidate = match.groups()
    return int(major), int(minor), int(patch), 0 if candidate else 1, int(candidate or 0)


def check(root: Path, version: str) -> str:
    """The changes that the release would tell of. Raises :class:`ReleaseError` where it cannot be made."""
    wanted = order(version)
    now = _current(root)
    if wanted <= order(now) and _git(root, "tag", "--list", f"v{now}").strip():
        raise ReleaseError(f"{version} does not come after {now}, which is released")
    if wanted < order(now):
        raise ReleaseError(f"{version} comes before {now}, the version in {VERSION_FILE}")
    if _git(root, "tag", "--list", f"v{version}").strip():
        raise ReleaseError(f"there is a tag v{version} already")
    branch = _git(root, "branch", "--show-current").strip()
    if branch != BRANCH:
        raise ReleaseError(f"this is the branch '{branch}'; releases are made on '{BRANCH}'")
    if _git(root, "status", "--porcelain").strip():
        raise ReleaseError("there are changes that are not committed")
    return _unreleased(root)


def release(root: Path, version: str, day: datetime.date) -> None:
    """Set the version, date the changes, commit both and tag the commit. :func:`check` comes first."""
    changes = _unreleased(root)
    path = root / VERSION_FILE
    text = path.read_text(encoding="utf-8")
    path.write_text(_VERSION.sub(f'__version__ = "{version}"', text, count=1), encoding="utf-8", newline="\n")
    log = root / CHANGES
    told = log.read_text(encoding="utf-8")
    dated = _UNRELEASED.sub(lambda found: f"## Unreleased\n\n## {version} ({day})\n{found[1]}", told, count=1)
    log.write_text(dated, encoding="utf-8", newline="\n")
    _git(root, "add", VERSION_FILE, CHANGES)
    _git(root, "commit", "-m", f"Release {version}")
    # The message keeps its headings: nothing in it is a comment.
    _git(root, "tag", "-a", f"v{version}", "--cleanup=verbatim", "-m", f"Fovea {version}\n\n{changes}")


def _current(root: Path) -> str:
    match = _VERSION.search((root / VERSION_FILE).read_text(encoding="utf-8"))
    if not match:
        raise ReleaseError(f"{VERSION_FILE} names no version")
    return match[1]


def _unreleased(root: Path) -> str:
    match = _UNRELEASED.search((root / CHANGES).read_text(encoding="utf-8"))
    if not match:
        raise ReleaseError(f"{CHANGES} has no part 'Unreleased'")
    if not match[1].strip():
        raise ReleaseError(f"the part 'Unreleased' of {CHANGES} is empty: say what users will notice")
    return match[1].strip()


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ReleaseError(f"git {arguments[0]}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
