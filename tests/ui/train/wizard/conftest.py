"""The real wizard with a real engine, and a small folder of fruits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from desktop.services.engine_service import EngineService
from desktop.ui.train.wizard.wizard import TrainingWizard
from tests.ui.train.wizard.kit import TIMEOUT, draw, opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "Ünï fruits"
    draw(root / "apples", (200, 30, 20), 8)
    draw(root / "limes", (20, 200, 40), 6)
    return root


@pytest.fixture
def engine(qtbot: QtBot) -> Iterator[EngineService]:
    service = EngineService()
    with qtbot.waitSignal(service.ready, timeout=TIMEOUT):
        service.start()
    yield service
    service.stop()


@pytest.fixture
def wizard(qtbot: QtBot, engine: EngineService) -> Iterator[TrainingWizard]:
    with opened(qtbot, engine) as shown:
        yield shown
