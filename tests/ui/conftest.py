"""Real windows on Qt's offscreen platform, with a store of one tiny model and a real engine where asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from desktop.store.manifest import Card
from desktop.store.store import ModelStore
from desktop.ui.classify.view import ClassifyView
from desktop.ui.shell.app import Shell, build_window
from tests.store.makers import add_colours
from tests.ui import kept_engines


@pytest.fixture(scope="session")
def _engines_end() -> Iterator[None]:
    yield
    kept_engines.end_all()


@pytest.fixture(autouse=True)
def engines_go_on(_engines_end: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A window has the engine of the one before, where that is at rest; see :mod:`tests.ui.kept_engines`."""
    monkeypatch.setattr("desktop.engine.client.ChildProcess", kept_engines.KeptProcess)


@pytest.fixture
def colours_store(fovea_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelStore:
    """A user store with the colours model and a medical twin of it; nothing bundled."""
    from desktop import paths

    monkeypatch.setattr(paths, "bundled_models", lambda: tmp_path / "bundled")
    store = ModelStore()
    add_colours(store)
    card = Card("Scores X-rays.", "Research.", ("Few data.",), notice="Research only. Not a medical device.")
    add_colours(store, id="xray", name="X-ray", medical=True, card=card, labels=("normal", "ill", "other"))
    return store


def write_image(path: Path, colour: str = "red", size: tuple[int, int] = (40, 30)) -> Path:
    """A small picture of one colour."""
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)
    return path


def said(view: ClassifyView) -> list[str]:
    """What the list says of each of its images; '' for nothing."""
    return [told.answer if (told := view.classifying.said(item)) else "" for item in view.session.items]


@pytest.fixture
def shell(qtbot: Any, colours_store: ModelStore, qapp: Any) -> Iterator[Shell]:
    """The whole window with its engine, shown and painted, its models read."""
    held = build_window(mode="light")
    qtbot.addWidget(held.window)
    with qtbot.waitSignal(held.window.painted, timeout=20_000):
        held.window.show()
    qtbot.waitUntil(lambda: held.catalog.loaded and held.window.classify.session.engine is not None, timeout=20_000)
    yield held
    held.window.close()
    held.close_down()
