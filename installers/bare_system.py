"""A bare Debian in a folder, with what the packages depend on and nothing else: to try a frozen program in.

    python -m installers.bare_system --program dist/Fovea-viewer --out FOLDER

Needs root and debootstrap (Debian's package of that name).
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from installers import linux

SUITE = "bookworm"


def main(argv: list[str]) -> int:
    """Make the folder; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m installers.bare_system", description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=Path, required=True, help="the folder that build.spec made")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(argv)
    make(options.out, linux.packages(options.program))
    print(options.out)
    return 0


def make(folder: Path, packages: set[str]) -> None:
    """Bootstrap into ``folder``. Raises :class:`SystemExit` with the reason where that is not possible."""
    if shutil.which("debootstrap") is None or os.geteuid() != 0:
        raise SystemExit("a bare system needs root and debootstrap (Debian: package debootstrap)")
    folder.mkdir(parents=True, exist_ok=True)
    included = ",".join(sorted({*packages, "fonts-dejavu-core"}))
    command = ["debootstrap", "--variant=minbase", f"--include={included}", SUITE, str(folder)]
    if mirror := _mirror():
        command.append(mirror)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"debootstrap: {(done.stdout + done.stderr).strip()[-800:]}")
    if found := sorted(path.name for path in folder.glob("usr/bin/python3*")):
        raise SystemExit(f"the bare system has a Python ({found[0]}): it proves nothing")


def _mirror() -> str:
    """Where this Debian has its own packages from, so that a closed network works too; '' for debootstrap's default."""
    for file in (Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))):
        try:
            text = file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        for line in text.splitlines():
            words = line.replace("URIs:", "deb").split()
            addresses = [word for word in words if "://" in word and "debian" in word and "security" not in word]
            if words[:1] == ["deb"] and addresses:
                return addresses[0]
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
