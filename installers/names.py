"""How the files for users are called: program, version, flavour, system, and `-unsigned` unless it is signed."""

from __future__ import annotations

from desktop import __version__


def artefact(flavour: str, system: str, ending: str, signed: bool) -> str:
    """For example ``Fovea-0.1.0-viewer-linux-x86_64-unsigned.tar.gz``."""
    return f"Fovea-{__version__}-{flavour}-{system}{'' if signed else '-unsigned'}.{ending}"
