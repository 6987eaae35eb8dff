"""Linux packages of a frozen program: a .deb, and a tar.gz with an installer for one user.

    python -m installers.linux --program dist/Fovea-viewer --out dist

Names of files carry `-unsigned`: neither is signed.
"""

from __future__ import annotations

import argparse
import gettext
import gzip
import io
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from desktop import __version__
from desktop.core.notices import NOTICES
from desktop.core.pictures.formats import PICTURE_FORMATS
from installers import bundle, icons, names

FILES = Path(__file__).parent / "linux_files"
# Whoever hands a package on answers for it: FOVEA_MAINTAINER="Name <address>".
_MAINTAINER = os.environ.get("FOVEA_MAINTAINER", "Fovea authors <fovea@fovea.example>")
INSTALLER = "Installer"
"""The context of the packages' words in a translation (tools/texts.py collects them)."""
LOCALISED = ("GenericName", "Comment", "Keywords")
# Drivers and what speaks with the desktop come from the system and never with the program.
_LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libGLX.so.0": "libglx0",
    "libOpenGL.so.0": "libopengl0",
    "libdrm.so.2": "libdrm2",
    "libgbm.so.1": "libgbm1",
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
    "libwayland-egl.so.1": "libwayland-egl1",
    "libxcb.so.1": "libxcb1",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libstdc++.so.6": "libstdc++6",
    "libgcc_s.so.1": "libgcc-s1",
    "libz.so.1": "zlib1g",
}
_OF_GLIBC = re.compile(r"(ld-linux.*|libc|libm|libdl|libpthread|librt|libutil|libresolv|libnsl|libanl|libcrypt)\.so")


def main(argv: list[str]) -> int:
    """Write both packages, or one; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m installers.linux", description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=Path, required=True, help="the folder that build.spec made")
    parser.add_argument("--out", type=Path, default=Path("dist"))
    parser.add_argument("--only", choices=("deb", "tar"), help="one of the two")
    parser.add_argument("--fast", action="store_true", help="hardly compressed: for trying it out")
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    if options.only != "tar":
        print(deb(options.program, options.out, options.fast))
    if options.only != "deb":
        print(archive(options.program, options.out, options.fast))
    return 0


def flavour(program: Path) -> str:
    """Which edition the folder holds, by its name. Raises :class:`SystemExit` for a folder that is none."""
    found = program.resolve().name.removeprefix("Fovea-")
    if found not in bundle.FLAVOURS or not (program / bundle.PROGRAM).is_file():
        raise SystemExit(f"{program} is no folder that build.spec made")
    return found


def moment() -> int:
    """The time of every file in a package: SOURCE_DATE_EPOCH, or the last commit's; so equal inputs pack alike."""
    if stated := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(stated)
    done = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=FILES, capture_output=True, text=True, check=False)
    return int(done.stdout) if done.returncode == 0 and done.stdout.strip() else 1_700_000_000


# The archive


def archive(program: Path, out: Path, fast: bool = False) -> Path:
    """The tar.gz: the program's folder with `install.sh` and what the menu needs."""
    name = f"fovea-{__version__}"
    path = out / names.artefact(flavour(program), f"linux-{platform.machine()}", "tar.gz", False)
    part = path.with_name(path.name + ".part")
    when = moment()

    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = "root"
        entry.mtime = when
        return entry

    # gzip writes the time into its head: given here, not the clock's.
    with (
        part.open("wb") as raw,
        gzip.GzipFile("", "wb", 1 if fast else 9, raw, when) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for file in sorted(program.rglob("*")):
            tar.add(file, f"{name}/{file.relative_to(program)}", recursive=False, filter=plain)
        for extra in (FILES / "fovea.xml", icons.ROOT / "resources/icons/app.svg"):
            target = "fovea.svg" if extra.suffix == ".svg" else extra.name
            tar.add(extra, f"{name}/share/{target}", filter=plain)
        _add_text(tar, f"{name}/share/fovea.desktop", desktop_entry(), when)
        _add_text(tar, f"{name}/install.sh", (FILES / "install.sh").read_text(encoding="utf-8"), when, 0o755)
        _add_text(tar, f"{name}/README.txt", _readme(program), when)
    os.replace(part, path)
    return path


def _add_text(tar: tarfile.TarFile, name: str, text: str, when: int, mode: int = 0o644) -> None:
    body = text.encode()
    entry = tarfile.TarInfo(name)
    entry.mode, entry.size, entry.mtime, entry.uname, entry.gname = mode, len(body), when, "root", "root"
    tar.addfile(entry, io.BytesIO(body))


def _readme(program: Path) -> str:
    needed = ", ".join(sorted(packages(program)))
    return f"""Fovea {__version__}

Nothing has to be installed to try it: ./fovea opens the window, ./fovea selftest checks this copy.

    sh install.sh             install for you alone, with an entry in the menu; again to update
    sh install.sh --remove    remove it

It needs Linux with glibc {glibc(program)} or newer and what every desktop has (Debian's names: {needed}).
{NOTICES["program"].text} Licences: ./fovea licences
"""


# What is needed of the system


def needed(program: Path) -> set[str]:
    """Libraries that the program's files name as needed and the program does not bring."""
    own, wanted = set(), set()
    for path in _elves(program):
        own.add(path.name)
        done = subprocess.run(["readelf", "-dW", path], capture_output=True, text=True, check=False)
        wanted.update(re.findall(r"\(NEEDED\).*\[(.*)\]", done.stdout))
        own.update(re.findall(r"\(SONAME\).*\[(.*)\]", done.stdout))
    return {name for name in wanted - own if not _OF_GLIBC.match(name)}


def glibc(program: Path) -> str:
    """The oldest glibc that has every symbol the program's files ask for."""
    highest = (2, 17)
    for path in _elves(program):
        done = subprocess.run(["readelf", "-VW", path], capture_output=True, text=True, check=False)
        for major, minor in re.findall(r"Name: GLIBC_(\d+)\.(\d+)", done.stdout):
            highest = max(highest, (int(major), int(minor)))
    return ".".join(map(str, highest))


def _elves(program: Path) -> list[Path]:
    found = []
    for path in program.rglob("*"):
        if path.is_file() and path.stat().st_size > 64:
            with path.open("rb") as stream:
                if stream.read(4) == b"\x7fELF":
                    found.append(path)
    return found


def packages(program: Path) -> set[str]:
    """Debian's packages with the needed libraries. Raises :class:`SystemExit` for a library of unknown origin."""
    libraries = needed(program)
    if unknown := sorted(libraries - _LIBRARIES.keys()):
        raise SystemExit(f"libraries that neither come with the program nor are known: {', '.join(unknown)}")
    return {_LIBRARIES[name] for name in libraries}


# The Debian package


def deb(program: Path, out: Path, fast: bool = False) -> Path:
    """The .deb. Needs dpkg-deb; raises :class:`SystemExit` where that is not installed."""
    if shutil.which("dpkg-deb") is None:
        raise SystemExit("dpkg-deb is not installed; it makes Debian's packages (Debian, Ubuntu: package dpkg)")
    edition = flavour(program)
    path = out / names.artefact(edition, f"linux-{platform.machine()}", "deb", False)
    with tempfile.TemporaryDirectory(prefix="fovea-deb-", dir=out) as work:
        tree = Path(work) / "tree"
        _lay_out(program, tree, edition)
        compression = ["-Zgzip", "-z1"] if fast else ["-Zxz", "-z6"]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": str(moment())}
        command = ["dpkg-deb", "--root-owner-group", *compression, "--build", str(tree), str(path)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"dpkg-deb: {done.stderr.strip()}")
    return path


def _lay_out(program: Path, tree: Path, edition: str) -> None:
    name = _package(edition)
    library = tree / "usr/lib/fovea"
    shutil.copytree(program, library, symlinks=True, copy_function=_link_or_copy)
    (tree / "usr/bin").mkdir(parents=True)
    (tree / "usr/bin/fovea").symlink_to("../lib/fovea/fovea")
    entry = tree / "usr/share/applications/fovea.desktop"
    entry.parent.mkdir(parents=True, exist_ok=True)
    entry.write_text(desktop_entry(), encoding="utf-8")
    _put(FILES / "fovea.xml", tree / "usr/share/mime/packages/fovea.xml")
    described = tree / "usr/share/metainfo/org.fovea.Fovea.metainfo.xml"
    described.parent.mkdir(parents=True)
    described.write_text(filled(FILES / described.name), encoding="utf-8")
    _put(icons.ROOT / "resources/icons/app.svg", tree / "usr/share/icons/hicolor/scalable/apps/fovea.svg")
    for side in (48, 256):
        icons.draw(side, tree / f"usr/share/icons/hicolor/{side}x{side}/apps/fovea.png")
    _put(FILES / "lintian-overrides", tree / "usr/share/lintian/overrides" / name)
    overrides = (tree / "usr/share/lintian/overrides" / name).read_text(encoding="utf-8").splitlines()
    lines = [line if line.startswith("#") else f"{name}: {line}" for line in overrides]
    (tree / "usr/share/lintian/overrides" / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    documents = tree / "usr/share/doc" / name
    documents.mkdir(parents=True)
    (documents / "copyright").write_text(_copyright(), encoding="utf-8")
    _pack_text(filled(FILES / "fovea.1"), tree / "usr/share/man/man1/fovea.1.gz")
    _pack_text(_changelog(name), documents / "changelog.gz")
    size = sum(path.lstat().st_size for path in tree.rglob("*") if not path.is_dir()) // 1024
    control = tree / "DEBIAN"
    control.mkdir()
    (control / "control").write_text(_control(name, edition, size, program), encoding="utf-8")
    _set_modes(tree)


def _package(edition: str) -> str:
    return "fovea" if edition == "full" else f"fovea-{edition}"


def _link_or_copy(source: str, target: str) -> None:
    """Half a gigabyte need not be copied where both lie on one disk."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _set_modes(tree: Path) -> None:
    """Folders and programs 755, everything else 644, whatever the builder's umask was. Hard links are left alone."""
    for path in tree.rglob("*"):
        if path.is_symlink():
            continue
        if path.is_dir() or path.parent.name == "fovea" and path.name == bundle.PROGRAM:
            path.chmod(0o755)
        elif path.stat().st_mode & 0o777 != 0o644:
            held = path.with_name(path.name + ".copy")
            shutil.copy2(path, held)  # the builder's own file keeps its mode
            held.chmod(0o644)
            os.replace(held, path)
    tree.chmod(0o755)


def desktop_entry() -> str:
    """The desktop's entry with the formats of pictures, its words in every language that there is a translation for
    (Desktop Entry Specification 1.5, 'Localized values for keys')."""
    lines = []
    for line in (FILES / "fovea.desktop").read_text(encoding="utf-8").splitlines():
        lines.append(line)
        key, _, words = line.partition("=")
        if key in LOCALISED:
            lines += [f"{key}[{language}]={told}" for language, told in _translations(words)]
    lines.append("MimeType=" + "".join(f"{row.mime};" for row in PICTURE_FORMATS))
    return "\n".join(lines) + "\n"


def translation(language: str, words: str) -> str:
    """``words`` of the installer in a language; as they are where it has none."""
    path = icons.ROOT / "resources" / "translations" / f"fovea_{language}.mo"
    if not path.is_file():
        return words
    with path.open("rb") as file:
        return gettext.GNUTranslations(file).pgettext(INSTALLER, words)


def _translations(words: str) -> list[tuple[str, str]]:
    """``words`` in each language that has them."""
    found = []
    for path in sorted((icons.ROOT / "resources" / "translations").glob("fovea_*.mo")):
        with path.open("rb") as file:
            told = gettext.GNUTranslations(file).pgettext(INSTALLER, words)
        if told != words:
            found.append((path.stem.removeprefix("fovea_"), told))
    return found


def _put(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def filled(source: Path) -> str:
    """The text of ``source`` with the notice of the program where it says ``@NOTICE@``."""
    return source.read_text(encoding="utf-8").replace("@NOTICE@", NOTICES["program"].text)


def _pack_text(text: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, 0) as packed:
        packed.write(text.encode())


def _control(name: str, edition: str, size: int, program: Path) -> str:
    other = _package("viewer" if edition == "full" else "full")
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    depends = ", ".join([f"libc6 (>= {glibc(program)})", *sorted(packages(program))])
    trains = " This edition also trains classifiers." if edition == "full" else " This edition does not train."
    return f"""Package: {name}
Version: {__version__}
Architecture: {architecture}
Maintainer: {_MAINTAINER}
Installed-Size: {size}
Depends: {depends}
Recommends: fonts-dejavu-core
Conflicts: {other}
Replaces: {other}
Section: science
Priority: optional
Description: classify images on your own computer, offline
 Drop in photographs, drawings, X-ray pictures or DICOM files and see what a
 network makes of them; measure models on labelled images.
{trains}
 .
 {NOTICES["program"].text}
"""


def _copyright() -> str:
    return """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: Fovea
Comment: Every component that comes with the program is listed with its licence's text by
 'fovea licences', by Help > Licences, and in /usr/lib/fovea/_internal/licences.
 Qt and PySide6 are used under the LGPL, version 3; their libraries are files of
 their own in /usr/lib/fovea/_internal/PySide6 and may be replaced.

Files: *
Copyright: 2026 The Fovea authors
License: Apache-2.0
 On Debian systems the text is in /usr/share/common-licenses/Apache-2.0.
"""


def _changelog(name: str) -> str:
    import datetime
    from email.utils import format_datetime

    when = datetime.datetime.fromtimestamp(moment(), datetime.UTC)
    return (
        f"{name} ({__version__}) unstable; urgency=low\n\n  * See the project's history.\n\n"
        f" -- {_MAINTAINER}  {format_datetime(when)}\n"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
