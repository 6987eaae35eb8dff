"""Pictures of two classes for searches and studies."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pets import paint_pets


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    return paint_pets(tmp_path, 8)
