"""What was really tried where: JSON files in docs/evidence, and README's table made of them.

    python -m installers.evidence record NAME -- make test     run a command, write down how it ended
    python -m installers.evidence table                        bring README's table into line with the files

`installers.try_frozen` writes files of its own for frozen programs. A test compares the table with the files, so README
cannot say more than they do.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from desktop import __version__

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "evidence"
README = ROOT / "README.md"
BEGIN, END = "<!-- evidence: begin; made by `python -m installers.evidence table` -->", "<!-- evidence: end -->"
# Every system that Fovea is meant for, by the word that a file's 'family' has.
FAMILIES = {"linux": "Linux", "windows": "Windows", "macos": "macOS"}
NEVER = "never run on this system"
_TRIALS = {
    "bare": "bare environment",
    "closed-streams": "streams closed",
    "other-letters": "in a folder `Ünï 日本`",
    "read-only-home": "read-only home",
    "no-network": "no network",
    "bare-system": "in a bare system without Python",
}


def head(kind: str) -> dict[str, Any]:
    """What every file begins with: when, on what, which commit. Names no computer and no person."""
    return {
        "schema": 1,
        "kind": kind,
        "version": __version__,
        "commit": _git("rev-parse", "HEAD"),
        "changed": bool(_git("status", "--porcelain", "--untracked-files=no")),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "family": {"Linux": "linux", "Windows": "windows", "Darwin": "macos"}.get(platform.system(), "other"),
        "system": system(),
        "machine": platform.machine(),
    }


def system() -> str:
    """The system's name and version, without a kernel's build number."""
    if platform.system() == "Linux":
        try:
            facts = platform.freedesktop_os_release()
            return f"{facts.get('NAME', 'Linux').removesuffix(' GNU/Linux')} {facts.get('VERSION_ID', '')}".strip()
        except OSError:
            return "Linux"
    if platform.system() == "Darwin":
        return f"macOS {platform.mac_ver()[0]}"
    return f"{platform.system()} {platform.release()}"


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def artefact(path: Path | None) -> dict[str, Any] | None:
    """Name, size and SHA-256 of a package."""
    if path is None:
        return None
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": digest}


def folder_hash(folder: Path) -> str:
    """SHA-256 over the names and SHA-256s of all files of a folder, in the order of their names."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            total.update(f"{digest}  {path.relative_to(folder).as_posix()}\n".encode())
    return total.hexdigest()


def record(name: str, command: list[str], folder: Path = FOLDER) -> int:
    """Run ``command`` and write down how it ended; returns its exit status."""
    begin = time.monotonic()
    facts = head("command")
    status = subprocess.run(command, cwd=ROOT, check=False).returncode
    facts |= {
        "python": platform.python_version(),
        "command": " ".join(command),
        "status": status,
        "seconds": round(time.monotonic() - begin),
        "holds": status == 0,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return status


def read(folder: Path = FOLDER) -> list[dict[str, Any]]:
    """All files, by system and date. Raises ValueError that names a file which is none of these."""
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            held = json.loads(path.read_text(encoding="utf-8"))
            if held["schema"] != 1 or held["kind"] not in ("command", "frozen"):
                raise ValueError("unknown kind")
            for key in ("commit", "date", "family", "system", "holds"):
                held[key]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path.name} is no evidence: {error}") from error
        found.append(held)
    return sorted(found, key=lambda one: (one["family"] != "linux", one["system"], one["kind"], one["date"]))


def table(records: list[dict[str, Any]]) -> str:
    """README's table: a row for each file, and one for each system that nothing was tried on."""
    rows = ["| system | what was tried | how it ended | commit, date |", "|---|---|---|---|"]
    for one in records:
        commit = (one["commit"][:8] or "unknown") + (" and changes" if one.get("changed") else "")
        rows.append(f"| {_where(one)} | {_what(one)} | {_ended(one)} | {commit}, {one['date']} |")
    tried = {one["family"] for one in records}
    rows += [f"| {name} | – | {NEVER} | – |" for family, name in FAMILIES.items() if family not in tried]
    return "\n".join(rows)


def _where(one: dict[str, Any]) -> str:
    python = f", Python {one['python']}" if one["kind"] == "command" else ""
    return f"{one['system']}, {one['machine']}{python}"


def _what(one: dict[str, Any]) -> str:
    if one["kind"] == "command":
        return f"`{one['command']}`"
    package = one.get("artefact")
    source = f"`{package['name']}` (SHA-256 {package['sha256'][:12]}…)" if package else f"built: {one['program'][:12]}…"
    tried = [words for name, words in _TRIALS.items() if _state(one, name) == "ok"]
    return f"frozen program, {one['edition']}, {one['size_mb']:,.0f} MB, {source}: {', '.join(tried) or 'nothing'}"


def _ended(one: dict[str, Any]) -> str:
    if one["kind"] == "command":
        return "passed" if one["holds"] else f"**failed** ({one['status']})"
    failed = [words for name, words in _TRIALS.items() if _state(one, name) == "failed"]
    missing = [words for name, words in _TRIALS.items() if _state(one, name) == "not-tried"]
    said = f"**failed**: {', '.join(failed)}" if failed else "self-test holds"
    return said + (f"; not tried: {', '.join(missing)}" if missing else "")


def _state(one: dict[str, Any], name: str) -> str:
    return next((trial["state"] for trial in one["trials"] if trial["name"] == name), "not-tried")


def section(readme: str) -> str:
    """What README has between the two marks. Raises ValueError where they are missing."""
    if readme.count(BEGIN) != 1 or readme.count(END) != 1:
        raise ValueError("README has lost the marks around its table of what was tried")
    return readme.partition(BEGIN)[2].partition(END)[0].strip()


def renewed(readme: str, records: list[dict[str, Any]]) -> str:
    """``readme`` with its table as the files have it."""
    section(readme)
    before, _, rest = readme.partition(BEGIN)
    return f"{before}{BEGIN}\n{table(records)}\n{END}{rest.partition(END)[2]}"


def main(argv: list[str]) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m installers.evidence", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    recording = commands.add_parser("record", help="run a command, write down how it ended, renew README's table")
    recording.add_argument("name", help="the file's name in docs/evidence, without ending")
    recording.add_argument("run", nargs=argparse.REMAINDER, help="-- and the command")
    commands.add_parser("table", help="renew README's table")
    options = parser.parse_args(argv)
    if options.command == "record":
        words = options.run[1:] if options.run[:1] == ["--"] else options.run
        if not words:
            parser.error("which command? record NAME -- COMMAND")
        status = record(options.name, words)
    else:
        status = 0
    # After every record: a table that says less than the files would fail the tests.
    README.write_text(renewed(README.read_text(encoding="utf-8"), read()), encoding="utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
