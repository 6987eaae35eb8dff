"""Batches in the window: what is answered stays, nothing large is asked unasked, nothing runs unseen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QImage

from desktop.core.types import ImageSource
from desktop.ui.shell.app import Shell
from tests.patience import WAIT
from tests.ui.conftest import said, write_image


def folder_of(path: Path, colours: list[str]) -> str:
    for number, colour in enumerate(colours):
        write_image(path / f"{number}.png", colour)
    return str(path)


class Asked:
    """Counts the answers that a batch takes."""

    def __init__(self, shell: Shell) -> None:
        self._job = shell.window.classify.job
        self.answered, self._done = 0, self._job.done
        self._job.began.connect(self.begin)
        self._job.answered.connect(self.take)

    def begin(self) -> None:
        self._done = self._job.done

    def take(self) -> None:
        self.answered += self._job.done - self._done
        self._done = self._job.done


def classified(qtbot: Any, shell: Shell, count: int) -> None:
    job = shell.window.classify.job
    qtbot.waitUntil(lambda: len(job.items) == count and job.done == count and not job.running, timeout=WAIT)


def test_what_is_answered_stays_when_more_is_opened(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    view, asked = shell.window.classify, Asked(shell)
    shell.window.open_paths([folder_of(tmp_path / "a", ["red", "blue", "lime", "red"])])
    classified(qtbot, shell, 4)
    view.results.table._text.setText("0.png")
    shell.window.open_paths([folder_of(tmp_path / "b", ["blue", "lime"])])
    classified(qtbot, shell, 6)
    assert asked.answered == 6
    assert said(view) == ["red", "blue", "green", "red", "blue", "green"]
    batch = view.results.table.model.batch
    assert batch is not None and batch.counts.tolist() == [2, 2, 2] and batch.done == 6
    assert view.results.table._text.text() == "0.png"
    # Taken off the list and opened again it is known; opened once more nothing is asked.
    view.remove(view.session.items[:1])
    shell.window.open_paths([str(tmp_path / "a")])
    classified(qtbot, shell, 6)
    with qtbot.waitSignal(view.opener.finished, timeout=WAIT):
        shell.window.open_paths([str(tmp_path / "a")])
    assert asked.answered == 6 and not view.job.running
    assert said(view)[-1] == "red"
    view.classify_all()
    classified(qtbot, shell, 6)
    assert asked.answered == 12


def test_a_batch_outlives_a_look_at_another_model(
    qtbot: Any, shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desktop.services.classifying.AT_ONCE", 3)
    view = shell.window.classify
    view.choose_model("colours")
    shell.window.open_paths([folder_of(tmp_path / "a", ["red"] * 300)])
    qtbot.waitUntil(lambda: view.job.done > 0, timeout=WAIT)
    asked, before = Asked(shell), view.job.done
    view.choose_model("xray")
    assert not view.job.running and set(said(view)) == {""}
    assert view.results._other.isVisibleTo(view.results)
    view.choose_model("colours")
    assert said(view).count("red") == before
    classified(qtbot, shell, 300)
    assert set(said(view)) == {"red"}
    assert before + asked.answered == 300


def test_undo_brings_no_answer_of_another_model(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    view = shell.window.classify
    view.choose_model("colours")
    shell.window.open_paths([folder_of(tmp_path / "a", ["red", "blue", "lime"])])
    classified(qtbot, shell, 3)
    view.remove(view.session.items[:1])
    view.choose_model("xray")
    classified(qtbot, shell, 2)
    view.undo()
    assert said(view)[0] == ""


def test_an_emptied_list_stops_its_batch_and_undo_goes_on_with_it(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    view = shell.window.classify
    shell.window.open_paths([folder_of(tmp_path / "a", ["red"] * 300)])
    qtbot.waitUntil(lambda: view.job.done > 0, timeout=WAIT)
    view.remove(list(view.session.items))
    assert not view.job.running and not view.results.isVisible()
    view.undo()
    assert view.results.isVisible()
    classified(qtbot, shell, 300)


def test_a_long_list_is_not_classified_unasked(
    qtbot: Any, shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desktop.services.classifying.AT_ONCE", 3)
    view = shell.window.classify
    view.choose_model("colours")
    view.session.add([ImageSource.from_path(str(write_image(tmp_path / f"{n}.png"))) for n in range(6)])
    shell.window.open_paths([folder_of(tmp_path / "a", ["red", "blue"])])
    classified(qtbot, shell, 2)
    view.choose_model("xray")
    assert not view.job.running and view.job.model_id == "colours"
    shell.window.open_paths([folder_of(tmp_path / "b", ["red", "blue", "lime"])])
    classified(qtbot, shell, 3)
    assert view.job.model_id == "xray"


def test_the_end_of_a_scan_leaves_the_keyboard_where_it_is(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    view = shell.window.classify
    assert shell.window.focusWidget() is view.empty.first_button
    shell.window.open_paths([folder_of(tmp_path / "a", ["red", "blue"])])
    classified(qtbot, shell, 2)
    assert shell.window.focusWidget() is view.list.view
    view.results.table._text.setFocus()
    shell.window.open_paths([folder_of(tmp_path / "b", ["red", "blue"])])
    classified(qtbot, shell, 4)
    assert shell.window.focusWidget() is view.results.table._text


def test_folder_opened_before_a_model_can_answer_is_classified_afterwards(
    qtbot: Any, shell: Shell, tmp_path: Path
) -> None:
    from dataclasses import replace

    entry = shell.catalog.entry("xray")
    assert entry is not None
    shell.catalog.entries = [*shell.catalog.entries, replace(entry, id="absent", state="weights-not-installed")]
    shell.catalog.changed.emit()
    view = shell.window.classify
    view.choose_model("absent")
    for folder in "fg":
        with qtbot.waitSignal(view.opener.finished, timeout=WAIT):
            shell.window.open_paths([folder_of(tmp_path / folder, ["blue"] * 3)])
    assert not view.job.running
    view.choose_model("colours")
    classified(qtbot, shell, 6)
    assert set(said(view)) == {"blue"}


def test_the_chosen_picture_comes_before_the_batch(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    """Nobody reads answers of pictures that are still called 'Opening…'."""
    view = shell.window.classify
    view.classifying._patience.setInterval(WAIT)  # what comes when it ends is the next test's
    order: list[str] = []
    view.session.preview_changed.connect(lambda: order.append("picture") if view.session.preview is not None else None)
    view.job.answered.connect(lambda: order.append("batch"))
    small: list[bool] = []
    view.job.answered.connect(lambda: small.append(view._small_pictures_are_there()))
    shell.window.open_paths([folder_of(tmp_path / "a", ["red", "blue"] * 40)])
    classified(qtbot, shell, 80)
    assert order[0] == "picture" and "batch" in order
    assert small[0], "what is in sight of the list was there as well"


def test_a_batch_does_not_wait_for_a_picture_for_ever(
    qtbot: Any, shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = shell.window.classify
    view.classifying._patience.setInterval(50)
    monkeypatch.setattr(view.session, "_ask_preview", lambda: None)  # the viewer never answers
    shell.window.open_paths([folder_of(tmp_path / "a", ["red"] * 5)])
    classified(qtbot, shell, 5)
    assert view.session.preview is None


def test_what_is_opened_one_by_one_stands_in_the_table(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    """A folder, a file, a drop, a paste: as many rows as images; one image alone can be exported too."""
    view, window = shell.window.classify, shell.window
    asked = Asked(shell)
    window.open_paths([str(write_image(tmp_path / "first.png", "lime"))])
    qtbot.waitUntil(lambda: view.job.done == 1, timeout=WAIT)
    assert not view.results.isVisible() and window.menus._export.isEnabled()
    assert view.results.table.can_export and said(view)[0] == "green"
    window.open_paths([folder_of(tmp_path / "a", ["red", "blue", "red"])])
    classified(qtbot, shell, 4)
    view.opener.add_file(str(write_image(tmp_path / "dropped.png", "blue")))
    qtbot.waitUntil(lambda: view.job.done == 5, timeout=WAIT)
    window.open_paths([str(write_image(tmp_path / "chosen.png", "red"))])
    qtbot.waitUntil(lambda: view.job.done == 6, timeout=WAIT)
    image = QImage(20, 20, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.blue)
    QGuiApplication.clipboard().setImage(image)
    window.paste()
    qtbot.waitUntil(lambda: view.job.done == 7 and not view.job.running, timeout=WAIT)
    batch = view.results.table.model.batch
    assert batch is not None and len(batch) == len(view.session.items) == 7
    assert [batch.label(at) for at in range(7)] == ["green", "red", "blue", "red", "blue", "red", "blue"]
    assert asked.answered == 7, "none was asked for twice"
    with qtbot.waitSignal(view.results.table.exported, timeout=WAIT) as told:
        view.results.table.export_csv(str(tmp_path / "x.csv"))
    assert told.args[1] == 7


def test_many_opened_one_after_the_other_are_all_answered(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    """Each takes the picture's pane from the one before, whose answer has not come: none is lost."""
    view = shell.window.classify
    for number in range(6):
        view.opener.add_file(str(write_image(tmp_path / f"{number}.png", "red")))
    qtbot.waitUntil(lambda: len(view.job.items) == 6 and view.job.done == 6, timeout=WAIT)
    assert set(said(view)) == {"red"}
