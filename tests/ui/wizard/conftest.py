"""The real wizard with a real engine, and a small folder of fruits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from desktop.services.catalog import ModelCatalog
from desktop.services.engine_service import EngineService
from desktop.services.settings import Settings
from desktop.ui.wizard.wizard import TrainingWizard
from tests.ui.wizard.kit import TIMEOUT, draw


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
    catalog = ModelCatalog()
    with qtbot.waitSignal(catalog.changed, timeout=TIMEOUT):
        catalog.refresh()
    wizard = TrainingWizard(catalog, Settings(), engine)
    qtbot.addWidget(wizard)
    wizard.show()
    yield wizard
    wizard.reject()
    wizard.findings.inspector.wait()
    catalog.stop()
