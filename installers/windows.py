"""The Windows installer of a frozen program: ``python -m installers.windows --program dist/Fovea-full``.

Needs makensis (NSIS 3): on Windows from nsis.sourceforge.io, on Debian from the package nsis. Without a certificate the
installer is not signed and its name says so: Windows then asks its user before the first start.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from desktop import __version__
from desktop.core.pictures.formats import PICTURE_FORMATS
from installers import bundle, icons, linux, names

WORDS: dict[str, str] = {
    "OPEN_NOW": "Open Fovea now",
    "PROGRAM": "Fovea (required)",
    "DESKTOP": "Shortcut on the desktop",
    "FILES": "Offer Fovea under 'Open with'",
    "FULL": "The files could not be written. Is the disk full? What was installed before is as it was.",
    "OPEN": "Fovea is open. Close it, then try again.",
    "NOT_PLACED": "The new program could not be put in place. What was installed before is as it was.",
    "ENTRY": "Classify images on this computer",
    "IMAGE": "Image for Fovea",
    "ABOUT_PROGRAM": "The program with its models, and an entry in the Start menu.",
    "ABOUT_DESKTOP": "A second way to start it.",
    "ABOUT_FILES": "For pictures and DICOM files, beside the programs that open them now.",
    "OPEN_STILL": "Fovea is open. Close it, then remove it again.",
    "PURGE": "Remove your models, runs, results and settings too? They cannot be brought back.",
}
"""What the installer's pages say, by the name that ``fovea.nsi`` gives it; NSIS has the rest in each language."""
LANGUAGES = icons.ROOT / "resources" / "translations" / "languages.json"
"""What NSIS calls each language, among what else is known of it."""
SCRIPT = Path(__file__).parent / "windows_files" / "fovea.nsi"


def words_of_pages() -> str:
    """The languages for NSIS and :data:`WORDS` in each, as a file that ``fovea.nsi`` includes. The installer speaks the
    language of Windows, English where that is none of these."""
    lines = []
    known: dict[str, dict[str, str]] = json.loads(LANGUAGES.read_text(encoding="utf-8"))
    spoken = sorted(path.stem.removeprefix("fovea_") for path in LANGUAGES.parent.glob("fovea_*.ts"))
    for language, name in (("en", "English"), *((each, known[each]["nsis"]) for each in spoken)):
        lines.append(f'!insertmacro MUI_LANGUAGE "{name}"')
        for key, text in WORDS.items():
            told = linux.translation(language, text).replace("$", "$$").replace('"', '$\\"')
            lines.append("LangString WORDS_" + key + " ${LANG_" + name.upper() + '} "' + told + '"')
    return "\n".join(lines) + "\n"


def compile_installer(program: Path, out: Path, version: str, icon: Path, target: str = "") -> None:
    """Make ``out`` of the files in ``program``. Raises :class:`SystemExit` with what makensis says.

    ``target`` is NSIS' own word for another kind of installer than its usual 32-bit one.
    """
    makensis = shutil.which("makensis") or shutil.which("makensis", path=r"C:\Program Files (x86)\NSIS")
    if makensis is None:
        raise SystemExit("makensis is not installed (Debian: package nsis; Windows: nsis.sourceforge.io)")
    numbers = ".".join([*(part for part in version.split(".")[:3] if part.isdigit()), "0", "0", "0", "0"][:4])
    facts = {
        "PROGRAM": str(program.resolve() / "*"),
        "VERSION": version,
        "NUMBERS": numbers,
        "ICON": str(icon.resolve()),
        "LICENCE": str((icons.ROOT / "LICENSE").resolve()),
        "OUTFILE": str(out.resolve()),
        **({"TARGET": target} if target else {}),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fovea-") as folder:
        suffixes, words = Path(folder, "suffixes.nsh"), Path(folder, "words.nsh")
        suffixes.write_text(suffixes_macro(), encoding="ascii")
        words.write_text("\ufeff" + words_of_pages(), encoding="utf-8")
        _compile(makensis, {**facts, "SUFFIXES": str(suffixes), "WORDS": str(words)})


def suffixes_macro() -> str:
    """FOR_EACH_SUFFIX: a macro of the script that inserts another one for each suffix that Fovea is offered for."""
    offered = [suffix for row in PICTURE_FORMATS for suffix in row.suffixes[: row.offered]]
    lines = [f'  !insertmacro "${{WORK}}" "{suffix}"' for suffix in offered]
    return "\n".join(["!macro FOR_EACH_SUFFIX WORK", *lines, "!macroend", ""])


def _compile(makensis: str, facts: dict[str, str]) -> None:
    sign = "/" if sys.platform == "win32" else "-"
    command = [
        makensis,
        f"{sign}V2",
        f"{sign}WX",
        *(f"{sign}D{key}={value}" for key, value in facts.items()),
        str(SCRIPT),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"makensis: {(done.stdout + done.stderr).strip()}")


def main(argv: list[str]) -> int:
    """Make the installer; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m installers.windows", description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=Path, required=True, help="the folder that build.spec made")
    parser.add_argument("--out", type=Path, default=Path("dist"))
    options = parser.parse_args(argv)
    flavour = options.program.resolve().name.removeprefix("Fovea-")
    if flavour not in bundle.FLAVOURS or not (options.program / f"{bundle.WINDOW_PROGRAM}.exe").is_file():
        raise SystemExit(f"{options.program} is no folder that build.spec made on Windows")
    machine = {"AMD64": "x86_64", "ARM64": "arm64"}.get(platform.machine(), platform.machine())
    out = options.out / names.artefact(flavour, f"windows-{machine}", "exe", False)
    icon = icons.draw(512, options.out / "fovea.ico")
    compile_installer(options.program, out, __version__, icon)
    print(out)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
