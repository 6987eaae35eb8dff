"""The only place that knows where anything lies: source tree, wheel or frozen program; user data, cache, logs.

``FOVEA_HOME`` moves everything that Fovea writes (settings, models, logs, cache) into one folder.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def program_root() -> Path:
    """The folder that holds ``resources/`` and ``model_store/``: checkout, inside a wheel's package, or frozen."""
    frozen = getattr(sys, "_MEIPASS", None)
    if frozen:
        return Path(frozen)
    package = Path(__file__).resolve().parent
    inside = package / "_data"  # laid there by the wheel's build, see pyproject.toml
    return inside if inside.is_dir() else package.parent


def resources() -> Path:
    """Icons, samples, recipes, themes and label lists that come with the program."""
    return program_root() / "resources"


def help_pages() -> Path:
    """The pages of the help, in Markdown: the same that the documentation is made of."""
    return program_root() / "docs" / "help"


def bundled_models() -> Path:
    """The read-only models that come with the program."""
    return program_root() / "model_store"


def prepared_models() -> Path | None:
    """Models made once for everybody who uses this installation, from what was installed beside it.

    They lie inside the virtual environment (``share/fovea/models``), or where ``FOVEA_PREPARED_MODELS`` says. ``None``
    outside of an environment and in a frozen program, which has them among its bundled models.
    """
    value = os.environ.get("FOVEA_PREPARED_MODELS")
    if value is not None:
        return Path(value).expanduser().absolute() if value else None
    if getattr(sys, "frozen", False) or sys.prefix == sys.base_prefix:
        return None
    return Path(sys.prefix) / "share" / "fovea" / "models"


def _home() -> Path | None:
    value = os.environ.get("FOVEA_HOME")
    return Path(value).expanduser().absolute() if value else None


def user_data() -> Path:
    """Where the user's models, runs and results live. Not created here: a reader must not write."""
    home = _home()
    if home is not None:
        return home
    import platformdirs

    return Path(platformdirs.user_data_dir("Fovea", appauthor=False))


def user_models() -> Path:
    """The user's own model folder."""
    return user_data() / "models"


def settings_file() -> Path:
    """The settings, as JSON."""
    home = _home()
    if home is not None:
        return home / "settings.json"
    import platformdirs

    return Path(platformdirs.user_config_dir("Fovea", appauthor=False)) / "settings.json"


def cache() -> Path:
    """Things that can be made again: prepared data, thumbnails."""
    home = _home()
    if home is not None:
        return home / "cache"
    import platformdirs

    return Path(platformdirs.user_cache_dir("Fovea", appauthor=False))


def logs() -> Path:
    """Log files and crash reports."""
    home = _home()
    if home is not None:
        return home / "logs"
    import platformdirs

    return Path(platformdirs.user_log_dir("Fovea", appauthor=False))


def shared_data() -> Path | None:
    """The folder of public image sets for training and benchmarks: ``FOVEA_DATA``, else ``../shared/data``.

    ``None`` where there is none; users do not have it.
    """
    value = os.environ.get("FOVEA_DATA")
    folder = Path(value) if value else program_root().parent / "shared" / "data"
    return folder if folder.is_dir() else None
