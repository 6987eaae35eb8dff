"""Folders to train from, and the way to the wizard's page of findings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image
from pytestqt.qtbot import QtBot

from desktop.services.catalog import ModelCatalog
from desktop.services.engine_service import EngineService
from desktop.services.settings import Settings
from desktop.ui.train.wizard.wizard import TrainingWizard

TIMEOUT = 60_000


def draw(folder: Path, colour: tuple[int, int, int], count: int, first: int = 0) -> None:
    """``count`` different pictures of one colour with a moving bar."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(first, first + count):
        pixels = np.full((40, 60, 3), colour, np.uint8)
        pixels[:, i % 50 : i % 50 + 6] = (255 - np.array(colour)).astype(np.uint8)
        pixels[i % 36 : i % 36 + 3] = (30 + 5 * i) % 256
        Image.fromarray(pixels).save(folder / f"{i:03d}.png")


def looked_through(qtbot: QtBot, wizard: TrainingWizard, folder: Path) -> None:
    wizard.open_path(str(folder))
    qtbot.waitUntil(lambda: wizard.currentPage() is wizard.findings, timeout=TIMEOUT)
    qtbot.waitUntil(lambda: not wizard.findings.inspector.running, timeout=TIMEOUT)


@contextmanager
def opened(qtbot: QtBot, engine: EngineService) -> Iterator[TrainingWizard]:
    """A wizard on the screen, which ends with all that it began."""
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
