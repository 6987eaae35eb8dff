"""Makes the compiled translations before a wheel is built: they lie beside their sources and are not committed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class TranslationsHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs ``tools/translations.py --compile``, which needs Python alone."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Before anything is gathered."""
        tool = Path(self.root) / "tools" / "translations.py"
        if tool.is_file():
            subprocess.run([sys.executable, str(tool), "--compile"], check=True)
