"""The first start of an installation: the window works, a bar says what is being made, nothing is forced on anybody."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from desktop.core.types import FoveaError
from desktop.services.catalog import ModelCatalog
from desktop.services.first_models import Begun, FirstModels
from desktop.store.catalogue import EVERYDAY
from desktop.store.download import DownloadControl
from desktop.store.store import ModelStore
from desktop.ui.shell.app import Shell
from desktop.ui.shell.first_models import FirstModelsBar
from tests.store.makers import add_colours
from tests.ui.conftest import write_image

WAIT = 30_000


class Making:
    """A preparing whose end the test decides."""

    def __init__(self) -> None:
        self.end = threading.Event()
        self.error: FoveaError | None = None
        self.result: list[str] = []
        self.cancelled = False
        self.missing = True

    def __call__(self, tell: Callable[[Any], None], control: DownloadControl) -> list[str]:
        from desktop.ml.plans.job_steps import JobStep

        if self.missing:
            tell(Begun(("Everyday photographs",)))
        tell(JobStep("build"))
        while not self.end.wait(0.01):
            if control.cancelled:
                self.cancelled = True
                raise FoveaError("cancelled", "cancelled")
        if self.error is not None:
            raise self.error
        return self.result


@pytest.fixture
def making(shell: Shell) -> Iterator[tuple[Making, FirstModels, FirstModelsBar]]:
    job = Making()
    models = FirstModels(shell, job)
    bar = FirstModelsBar(shell.window, models)
    yield job, models, bar
    models.stop()


def begin(qtbot: Any, models: FirstModels, bar: FirstModelsBar) -> None:
    models.start()
    assert models.running
    qtbot.waitUntil(lambda: bar.bar is not None and "building" in bar.bar.text.lower(), timeout=WAIT)


def test_the_window_works_meanwhile_and_then_begins_with_it(
    qtbot: Any, shell: Shell, making: tuple[Making, FirstModels, FirstModelsBar], tmp_path: Path
) -> None:
    job, models, bar = making
    begin(qtbot, models, bar)
    assert bar.bar is not None and bar.bar.isVisible()
    assert "Everyday photographs" in bar.bar.text and "'Colours'" in bar.bar.text and "once" in bar.bar.text
    view = shell.window.classify
    assert view.session.model_id == "colours" and not shell.settings.get("model")
    add_colours(ModelStore(), id=EVERYDAY, name="Everyday photographs")
    job.result = [EVERYDAY]
    job.end.set()
    qtbot.waitUntil(lambda: view.session.model_id == EVERYDAY, timeout=WAIT)
    assert bar.bar is None and not models.running and not shell.settings.get("model")


def test_who_is_looking_at_something_is_only_told(
    qtbot: Any, shell: Shell, making: tuple[Making, FirstModels, FirstModelsBar], tmp_path: Path
) -> None:
    job, models, bar = making
    view = shell.window.classify
    shell.window.open_paths([str(write_image(tmp_path / "red.png", "red"))])
    qtbot.waitUntil(lambda: view.session.prediction is not None, timeout=WAIT)
    begin(qtbot, models, bar)
    add_colours(ModelStore(), id=EVERYDAY, name="Everyday photographs")
    job.result = [EVERYDAY]
    job.end.set()
    qtbot.waitUntil(lambda: "ready" in shell.window.messages.text, timeout=WAIT)
    qtbot.waitUntil(lambda: shell.catalog.entry(EVERYDAY) is not None, timeout=WAIT)
    assert view.session.model_id == "colours"


def test_cancel_ends_it_and_it_is_not_begun_at_each_start(
    qtbot: Any, shell: Shell, making: tuple[Making, FirstModels, FirstModelsBar]
) -> None:
    job, models, bar = making
    begin(qtbot, models, bar)
    assert bar.bar is not None
    bar.bar.cancel.click()
    qtbot.waitUntil(lambda: bar.bar is None, timeout=WAIT)
    assert job.cancelled and "under Models" in shell.window.messages.text
    assert shell.settings.get("first_models") is False


def test_an_error_is_a_sentence_and_what_to_do(
    qtbot: Any, shell: Shell, making: tuple[Making, FirstModels, FirstModelsBar]
) -> None:
    job, models, _ = making
    job.error = FoveaError("wrong-hash", "this is not the published file", "Install the package again.")
    job.end.set()
    models.start()
    qtbot.waitUntil(lambda: not models.running, timeout=WAIT)
    text = shell.window.messages.text
    assert "This is not the published file" in text and "Install the package again." in text
    assert "works without it" in text


def test_closing_the_window_ends_it(
    qtbot: Any, shell: Shell, making: tuple[Making, FirstModels, FirstModelsBar]
) -> None:
    job, models, bar = making
    begin(qtbot, models, bar)
    models.stop()
    assert job.cancelled and not models.running


def test_where_nothing_is_missing_nothing_is_shown(
    qtbot: Any, shell: Shell, making: tuple[Making, FirstModels, FirstModelsBar]
) -> None:
    job, models, bar = making
    job.missing = False
    job.end.set()
    models.start()
    qtbot.waitUntil(lambda: not models.running, timeout=WAIT)
    assert bar.bar is None and not shell.window.messages.text and shell.settings.get("first_models") is True


def test_a_fresh_start_begins_with_everyday_photographs(qtbot: Any, colours_store: ModelStore) -> None:
    add_colours(colours_store, id=EVERYDAY, name="Zebras and more")  # the last by name
    catalog = ModelCatalog()
    with qtbot.waitSignal(catalog.changed, timeout=WAIT):
        catalog.refresh()
    assert catalog.first_choice("") == EVERYDAY
    assert catalog.first_choice("colours") == "colours"
    assert catalog.first_choice("gone") == EVERYDAY
    catalog.stop()
