"""The file that Help › Check for Updates reads, and its checksum: ``python -m installers.update_file``.

Put both, under their names, where your users' address leads to.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import sys
from pathlib import Path

from desktop import __version__
from desktop.system import updates

NAME = "latest.json"


def write(folder: Path, page: str, notes: str, files: list[Path], date: str) -> Path:
    """Write the update file for this version and ``files`` (packages to download) into ``folder``."""
    held = {
        "schema": 1,
        "version": __version__,
        "date": date,
        "notes": notes,
        "page": page,
        "files": {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(files)},
    }
    body = json.dumps(held, indent=1, ensure_ascii=False).encode() + b"\n"
    updates.parse(body)  # what is published must be what will be read
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME
    path.write_bytes(body)
    path.with_name(NAME + ".sha256").write_text(f"{hashlib.sha256(body).hexdigest()}  {NAME}\n", encoding="ascii")
    return path


def main(argv: list[str]) -> int:
    """Write the files; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m installers.update_file", description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path, help="the packages that users may download")
    parser.add_argument("--page", required=True, help="the https address of the page with the packages")
    parser.add_argument("--notes", default="", help="what is new, in a paragraph")
    parser.add_argument("--date", default=datetime.date.today().isoformat())
    parser.add_argument("--out", type=Path, default=Path("dist"))
    options = parser.parse_args(argv)
    print(write(options.out, options.page, options.notes, options.files, options.date))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
