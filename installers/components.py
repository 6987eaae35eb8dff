"""What really lies in the frozen program, part by part, with licences: for `fovea licences` and as a bill of materials.

Each collected file is traced to the Python package or the system's package that it came from. A file of unknown origin
or licence, or of one that is not allowed, ends the build.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from desktop.store import catalogue
from desktop.system import licences
from desktop.system.licences import Component
from installers import sbom

Entry = tuple[str, str, str]

_STATED = ("ai-edge-litert", "numpy", "pillow", "pydicom", "pylibjpeg", "pylibjpeg-openjpeg", "pyjpegls")
_STATED_VIEWS = ("PySide6_Essentials", "scikit-learn", "matplotlib", "scipy")
# The system's libraries that Qt and Python draw in, by the beginning of their file names (the longest counts).
# Read off each package's copyright file in Debian 12.
_LIBRARIES = {
    "libX": "MIT",
    "libapple": "APSL-2.0",
    "libblkid": "LGPL-2.1-or-later",
    "libbrotli": "MIT",
    "libbsd": "BSD-3-Clause",
    "libbz2": "bzip2-1.0.6",
    "libcap": "BSD-3-Clause",
    "libcom_err": "MIT",
    "libcrypto": "Apache-2.0",
    "libdbus-1": "AFL-2.1 OR GPL-2.0-or-later",
    "libexpat": "MIT",
    "libffi": "MIT",
    "libfontconfig": "HPND",
    "libfreetype": "FTL OR GPL-2.0-or-later",
    "libgcc_s": "GPL-3.0-or-later WITH GCC-exception-3.1",
    "libgcrypt": "LGPL-2.1-or-later",
    "libgio-2": "LGPL-2.1-or-later",
    "libglib-2": "LGPL-2.1-or-later",
    "libgmodule-2": "LGPL-2.1-or-later",
    "libgobject-2": "LGPL-2.1-or-later",
    "libgomp": "GPL-3.0-or-later WITH GCC-exception-3.1",
    "libgpg-error": "LGPL-2.1-or-later",
    "libgssapi_krb5": "MIT",
    "libgthread-2": "LGPL-2.1-or-later",
    "libharfbuzz": "MIT",
    "libjpeg": "IJG AND BSD-3-Clause AND Zlib",
    "libk5crypto": "MIT",
    "libintl": "LGPL-2.1-or-later",
    "libkeyutils": "LGPL-2.0-or-later",
    "libkrb5": "MIT",
    "liblz4": "BSD-2-Clause",
    "liblzma": "0BSD",
    "libmd": "BSD-3-Clause",
    "libmount": "LGPL-2.1-or-later",
    "libmpdec": "BSD-2-Clause",
    "libncurses": "MIT",
    "libpcre2": "BSD-3-Clause",
    "libpng": "libpng-2.0",
    "libpython": "PSF-2.0",
    "libreadline": "GPL-3.0-or-later",
    "libselinux": "LicenseRef-public-domain",
    "libsqlite3": "LicenseRef-public-domain",
    "libssl": "Apache-2.0",
    "libstdc++": "GPL-3.0-or-later WITH GCC-exception-3.1",
    "libsystemd": "LGPL-2.1-or-later",
    "libtinfo": "MIT",
    "libuuid": "BSD-3-Clause",
    "libwayland": "MIT",
    "libxcb": "MIT",
    "libxkbcommon": "MIT",
    "libz": "Zlib",
    "libzstd": "BSD-3-Clause OR GPL-2.0-only",
    # Microsoft's C and C++ runtime may be handed on with programs that need it (Visual Studio's REDIST list).
    "api-ms-win": "LicenseRef-Microsoft-runtime",
    "concrt140": "LicenseRef-Microsoft-runtime",
    "msvcp140": "LicenseRef-Microsoft-runtime",
    "ucrtbase": "LicenseRef-Microsoft-runtime",
    "vcruntime140": "LicenseRef-Microsoft-runtime",
}
_REDISTRIBUTABLE = "LicenseRef-Microsoft-runtime"


def stated(flavour: str) -> tuple[str, ...]:
    """Packages whose versions the program states: their metadata come with it."""
    return (
        *_STATED,
        *_STATED_VIEWS,
        *(("keras", _tensorflow(), "opencv-python-headless") if flavour == "full" else ()),
    )


def _tensorflow() -> str:
    """The package that TensorFlow comes from here: the one for processors alone is 300 MB smaller on Linux."""
    try:
        metadata.version("tensorflow")
    except metadata.PackageNotFoundError:
        return "tensorflow-cpu"
    return "tensorflow"


def write(entries: Iterable[Entry], flavour: str, work: Path) -> list[Entry]:
    """List the components behind ``entries`` (PyInstaller's) and return the files that carry the list.

    Raises :class:`SystemExit` naming every component whose licence is not known or not allowed.
    """
    found = trace(entries)
    if bad := [f"{part.name} ({part.licence})" for part in found if not is_allowed(part)]:
        raise SystemExit("parts whose licence is unknown or not allowed: " + ", ".join(bad))
    folder = work / "licences"
    folder.mkdir(parents=True, exist_ok=True)
    save(found, folder / licences.LIST)
    sbom.write(found, flavour, folder / sbom.NAME)
    return [(f"licences/{name}", str(folder / name), "DATA") for name in (licences.LIST, sbom.NAME)]


def is_allowed(part: Component) -> bool:
    """Whether a component may come with the program."""
    return all(name == _REDISTRIBUTABLE for name in licences.refused(part.licence))


def save(parts: list[Component], path: Path) -> None:
    """Write a list that :func:`desktop.system.licences.read` reads; equal texts are kept once."""
    texts: dict[str, str] = {}
    items = []
    for part in parts:
        keys = []
        for text in part.texts:
            key = hashlib.sha256(text.encode()).hexdigest()[:16]
            texts[key] = text
            keys.append(key)
        items.append({**part.to_dict(), "texts": keys})
    path.write_text(json.dumps({"components": items, "texts": texts}, ensure_ascii=False), encoding="utf-8")


def trace(entries: Iterable[Entry]) -> list[Component]:
    """The components that the collected files belong to, Fovea first."""
    owners = _owners()
    root = Path(__file__).resolve().parent.parent
    standard = Path(sysconfig.get_path("stdlib")).resolve()
    own = (licences.python(), licences.words(), licences.of_distribution(licences.own()))
    parts = {part.name: part for part in own}
    for name, source, kind in entries:
        if not source or kind == "SYMLINK" or not os.path.isfile(source):
            continue
        path = Path(os.path.realpath(source))
        if owner := _weights_of(name):  # a model made of a package's weights is as much that package's
            if owner not in parts:
                parts[owner] = licences.of_distribution(metadata.distribution(owner))
        elif owner := owners.get(str(path)):
            if owner not in parts:  # reading a package's facts and texts takes a while: once each
                parts[owner] = licences.of_distribution(metadata.distribution(owner))
        elif path.is_relative_to(root) and not path.is_relative_to(Path(sys.prefix).resolve()):
            continue  # Fovea's own
        elif path.is_relative_to(standard) or path.name.startswith(("python3", "libpython")):
            continue  # Python's own
        elif not sys.platform.startswith("linux") and path.is_relative_to(Path(sys.base_prefix).resolve()):
            continue  # what Python's installer brings with it; elsewhere it lies among the system's libraries
        elif kind in ("BINARY", "EXTENSION"):
            part = _library(name, path)
            parts.setdefault(part.name, part)
    return sorted(parts.values(), key=lambda part: (part.name != "fovea", part.name.lower()))


def _weights_of(name: str) -> str | None:
    """The package whose weights the model that the file ``name`` belongs to was made of."""
    parts = name.replace(os.sep, "/").split("/")
    return _packages().get(parts[1]) if parts[0] == "model_store" and len(parts) > 2 else None


@functools.cache
def _packages() -> dict[str, str]:
    """The packages that carry weights, by the id of the model that is made of them."""
    networks = catalogue.load().networks
    return {network.id: network.package.distribution for network in networks if network.package is not None}


@functools.cache
def _owners() -> dict[str, str]:
    """Package name by the path of each file that is installed here, links in the folders before it resolved."""
    owners: dict[str, str] = {}
    for held in metadata.distributions():
        name = licences.canonical(str(held.metadata["Name"]))
        root = os.path.realpath(str(held.locate_file("")))
        for file in held.files or ():
            owners[os.path.normpath(os.path.join(root, *file.parts))] = name
    return owners


def _library(name: str, path: Path) -> Component:
    """A library of the system: its licence from the table, its version and text from the package manager."""
    base = os.path.basename(name)
    matches = [key for key in _LIBRARIES if base.lower().startswith(key.lower())]
    licence = _LIBRARIES[max(matches, key=len)] if matches else licences.UNKNOWN
    package = _debian_package(path)
    if package is None:
        return Component(base.split(".so")[0], "", licence, "library", "", "", ())
    notice = Path("/usr/share/doc") / package / "copyright"
    text = notice.read_text(encoding="utf-8", errors="replace").strip() if notice.is_file() else ""
    source = f"Debian's source package of {package}"
    return Component(package, _debian_version(package), licence, "library", "", source, (text,) if text else ())


@functools.cache
def _debian_package(path: Path) -> str | None:
    if shutil.which("dpkg-query") is None:
        return None
    # A merged /usr: packages may still name the file under /lib.
    for candidate in (str(path), str(path).removeprefix("/usr")):
        done = subprocess.run(["dpkg-query", "-S", candidate], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.splitlines()[0].partition(":")[0]
    return None


@functools.cache
def _debian_version(package: str) -> str:
    done = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Version}\n", package], capture_output=True, text=True, check=False
    )
    return done.stdout.splitlines()[0] if done.returncode == 0 and done.stdout else ""
