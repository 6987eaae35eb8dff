"""Studies in the real window with the real engine: a series is one item with its frames, called by its number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from desktop.core.types import FoveaError
from desktop.services import last_session
from desktop.ui.classify.results_csv import csv_rows
from desktop.ui.kit.widgets import grey_of
from desktop.ui.shell.app import Shell
from tests.core.makers import dicom_bytes
from tests.patience import WAIT
from tests.studies import CORONAL, slice_bytes, write_directory, write_series
from tests.ui.conftest import write_image
from tests.ui.shell.test_window import answered


def turn(widget: Any, notches: int, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    middle = QPointF(widget.rect().center())
    event = QWheelEvent(
        middle, widget.mapToGlobal(middle), QPoint(), QPoint(0, -120 * notches), Qt.MouseButton.NoButton, modifiers,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(widget, event)


def shown_level(shell: Shell) -> int:
    """Which slice is on screen, by the square in its corner."""
    image = shell.window.classify.picture.picture._pyramid.image
    assert image is not None
    return int(grey_of(image)[3, 3])


def test_a_series_is_one_item_with_its_frames(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    write_series(tmp_path / "DOE_JANE", 12, order=[11 - at for at in range(12)], RescaleIntercept=-1024)
    write_image(tmp_path / "DOE_JANE" / "photo.png", "red")
    (tmp_path / "DOE_JANE" / "report").write_bytes(
        dicom_bytes(None, SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11", SeriesInstanceUID="1.2.3.8")
    )
    told: list[str] = []
    view = shell.window.classify
    view.told.connect(told.append)
    shell.window.open_paths([str(tmp_path / "DOE_JANE")])
    qtbot.waitUntil(lambda: len(view.session.items) == 2 and view.job.done == 2, timeout=WAIT)
    assert [item.name for item in view.session.items] == ["photo.png", "CT series 2"]
    assert "1 object" in told[0]
    series = view.session.items[1]
    assert series.stack is not None and Path(series.stack.frames[0].path or "").name == "IM0011"
    view.session.set_current(series)
    qtbot.waitUntil(lambda: answered(shell, "CT series 2, frame 1"), timeout=WAIT)
    bar = view.picture.frames
    assert bar.isVisible() and (bar.slider.maximum(), bar.number.text()) == (12, "Frame 1 of 12")
    dark = shown_level(shell)
    turn(view.picture.picture, 2)
    assert bar.number.value() == 3 and series.source.name == "CT series 2, frame 3"
    qtbot.waitUntil(lambda: answered(shell, "CT series 2, frame 3"), timeout=WAIT)
    assert view.session.prediction is not None and view.session.prediction.source == series.source
    assert shown_level(shell) > dark and view.picture.prepared.image is not None
    turn(view.picture.picture, -99)
    assert bar.number.value() == 1, "the wheel ends at the first"
    view.picture.picture.setFocus()
    QTest.keyClick(view.picture.picture, Qt.Key.Key_Down)
    assert bar.number.value() == 2
    QTest.keyClick(view.picture.picture, Qt.Key.Key_End)
    assert bar.number.value() == 12 and not bar.on.isEnabled()
    bar.back.click()
    bar.slider.setValue(6)
    assert bar.number.value() == 6 and series.at == 5
    qtbot.waitUntil(lambda: answered(shell, "CT series 2, frame 6"), timeout=WAIT)
    zoom = view.picture.picture.zoom
    turn(view.picture.picture, -1, Qt.KeyboardModifier.ControlModifier)
    assert view.picture.picture.zoom > zoom and series.at == 5
    near = view.picture.picture.zoom
    bar.on.click()
    qtbot.waitUntil(lambda: answered(shell, "CT series 2, frame 7"), timeout=WAIT)
    assert view.picture.picture.zoom == near, "zoom and place stay over the series"


def test_nobodys_name_is_shown_until_asked(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    write_series(tmp_path / "DOE_JANE", 3)
    view = shell.window.classify
    shell.window.open_paths([str(tmp_path / "DOE_JANE")])
    qtbot.waitUntil(lambda: answered(shell, "CT series 2, frame 1"), timeout=WAIT)
    item = view.session.items[0]
    view.picture.frames.every.click()
    qtbot.waitUntil(lambda: view.job.done == 3 and not view.job.running, timeout=WAIT)
    index = view.list.model.index(0, 0)
    roles = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole)
    seen = [str(index.data(role)) for role in roles] + [shell.window.windowTitle(), item.name]
    model = view.results.table.model
    seen += [str(model.index(r, c).data()) for r in range(model.rowCount()) for c in range(model.columnCount())]
    assert view.job.answers is not None
    seen += [line.decode() for line in csv_rows(view.job.answers, "relative")]
    assert "DOE" not in "\n".join(seen).upper() and str(tmp_path) not in "\n".join(seen)
    assert "CT series 2, frame 3" in "\n".join(seen)
    view.picture.radiology.header.click()
    dialog = view.picture._header
    assert dialog is not None
    qtbot.waitUntil(lambda: dialog.model.rowCount() > 5, timeout=WAIT)
    rows = "\n".join(str(dialog.model.index(row, 2).data()) for row in range(dialog.model.rowCount()))
    assert "Doe" not in rows
    dialog.reject()


def test_every_frame_is_answered_on_request_and_a_row_leads_to_its_frame(
    qtbot: Any, shell: Shell, tmp_path: Path
) -> None:
    files = write_series(tmp_path / "ct", 5)
    files[3].write_bytes(files[3].read_bytes()[:-600])
    write_image(tmp_path / "ct" / "z.png", "blue")
    view = shell.window.classify
    shell.window.open_paths([str(tmp_path / "ct")])
    qtbot.waitUntil(lambda: len(view.session.items) == 2 and view.job.done == 2, timeout=WAIT)
    series = view.session.items[1]
    view.session.set_current(series)
    view.picture.frames.every.click()
    qtbot.waitUntil(lambda: view.job.done == 6 and not view.job.running, timeout=WAIT)
    assert view.results.isVisible() and view.job.answers is not None and view.job.failures == 1
    names = [source.name for source in view.job.answers.sources]
    assert names == ["z.png", *(f"CT series 2, frame {at}" for at in range(1, 6))]
    view.results.table.row_activated.emit(view.job.answers.sources[4])
    assert series.at == 3
    qtbot.waitUntil(lambda: view.session.preview_failure is not None, timeout=WAIT)
    said = view.job.said(series)
    assert said is not None and said.failed and not view.picture.picture.has_image
    turn(view.picture.picture, 1)
    qtbot.waitUntil(lambda: answered(shell, "CT series 2, frame 5"), timeout=WAIT)
    assert view.picture.picture.has_image, "a slice that cannot be read fails alone"
    view.choose_model("xray")
    qtbot.waitUntil(lambda: view.job.done == 6 and not view.job.running, timeout=WAIT)
    assert view.job.model_id == "xray"


def test_the_window_stays_over_the_series(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    write_series(tmp_path, 4, RescaleIntercept=-1024)
    view = shell.window.classify
    shell.window.open_paths([str(tmp_path)])
    qtbot.waitUntil(lambda: answered(shell, "CT series 2, frame 1"), timeout=WAIT)
    bar = view.picture.radiology
    qtbot.waitUntil(lambda: bar.study is not None, timeout=WAIT)
    names = [bar.presets.itemText(row) for row in range(bar.presets.count())]
    bar.presets.setCurrentIndex(names.index("Soft tissue"))
    bar.presets.activated.emit(names.index("Soft tissue"))
    bar.invert.click()
    qtbot.waitUntil(lambda: not bar._drawing.isActive(), timeout=WAIT)

    def expected(frame: int) -> np.ndarray:
        from desktop.core.pictures.dicom.study import shown

        ramp = np.tile(np.linspace(0, 2000, 48), (48, 1)) + 20 * frame
        return shown(ramp.astype(np.uint16).astype(np.float32) - 1024, 40, 400, True)[40]

    def on_screen() -> np.ndarray:
        image = view.picture.picture._pyramid.image
        return grey_of(image)[40] if image is not None else np.zeros(1)

    qtbot.waitUntil(lambda: np.array_equal(on_screen(), expected(0)), timeout=WAIT)
    for frame in (1, 2, 3):
        view.picture.frames.step(1)
        qtbot.waitUntil(lambda at=frame: np.array_equal(on_screen(), expected(at)), timeout=WAIT)
        assert bar.invert.isChecked() and (bar.centre, bar.width_) == (40.0, 400.0)
        assert bar.presets.currentText() == "Soft tissue"


def test_a_file_of_several_frames_looks_the_same(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    frames = np.stack([np.full((32, 32), 20 * at, np.uint8) for at in range(9)])
    (tmp_path / "cine.dcm").write_bytes(dicom_bytes(frames))
    view = shell.window.classify
    shell.window.open_paths([str(tmp_path / "cine.dcm")])
    qtbot.waitUntil(lambda: answered(shell, "cine.dcm"), timeout=WAIT)
    bar = view.picture.frames
    assert bar.isVisible() and bar.number.text() == "Frame 1 of 9"
    turn(view.picture.picture, 1)
    assert view.session.items[0].source.frame == 1
    bar.every.click()
    qtbot.waitUntil(lambda: view.job.done == 9 and not view.job.running, timeout=WAIT)
    assert view.job.answers is not None
    assert [source.name for source in view.job.answers.sources][2] == "cine.dcm, frame 3"
    view.results.table.row_activated.emit(view.job.answers.sources[7])
    assert view.session.items[0].source.frame == 7


def test_a_disc_with_gaps_parts_and_hostile_names(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    disc = tmp_path / "disc"
    write_series(disc / "A", 8, leave_out=[4])
    write_series(disc / "A", 2, orientation=CORONAL, names="LOC{}", SOPInstanceUID="1.2.9")
    (disc / "B").write_bytes(slice_bytes(0, SeriesInstanceUID="1.2.3.9", SeriesNumber=9, Modality="CR"))
    secret = tmp_path / "secret.dcm"
    secret.write_bytes(slice_bytes(0))
    names: list[Any] = [("A", f"IM{at:04d}") for at in range(8)] + [("A", "LOC0"), ("A", "LOC1"), ("B",)]
    path = write_directory(disc, [*names, ("..", "secret.dcm")])
    said: list[str] = []
    view = shell.window.classify
    view.said.connect(said.append)
    shell.window.open_paths([str(path)])
    qtbot.waitUntil(lambda: len(view.session.items) == 3 and view.job.done == 3, timeout=WAIT)
    assert [item.name for item in view.session.items] == [
        "CT series 2, part 1 of 2", "CT series 2, part 2 of 2", "CR series 9",
    ]  # fmt: skip
    assert len(said) == 1 and "outside" in said[0] and "secret" not in said[0]
    assert view.picture.frames.facts.text().startswith("1 frame is missing")
    view.session.set_current(view.session.items[2])
    assert not view.picture.frames.isVisible(), "a single picture has no frames to go through"
    before = list(view.session.items)
    shell.window.open_paths([str(disc)])
    qtbot.waitUntil(lambda: not view.opener.busy, timeout=WAIT)
    assert view.session.items == before, "the folder holds what its list named"
    view.remove([before[0]])
    view.undo()
    assert view.session.items[0] is before[0] and view.session.find(before[0].source) is before[0]


def test_unrelated_x_rays_stay_single_and_series_come_back_at_the_next_start(
    qtbot: Any, shell: Shell, tmp_path: Path
) -> None:
    for at in range(3):
        tags = {"StudyInstanceUID": f"8.{at}", "SeriesInstanceUID": f"8.{at}.1", "Modality": "DX"}
        tmp_path.joinpath(f"x{at}.dcm").write_bytes(slice_bytes(at, **tags))
    view = shell.window.classify
    shell.window.open_paths([str(tmp_path)])
    qtbot.waitUntil(lambda: view.job.done == 3, timeout=WAIT)
    assert [item.name for item in view.session.items] == ["x0.dcm", "x1.dcm", "x2.dcm"]
    files = write_series(tmp_path / "ct", 4)
    shell.window.open_paths([str(tmp_path / "ct")])
    qtbot.waitUntil(lambda: len(view.session.items) == 4 and view.job.done == 4, timeout=WAIT)
    stack = view.session.items[3].stack
    assert stack is not None
    last_session.save([*(item.source for item in view.session.items[:3]), stack.series], 3, None)
    found = last_session.load()
    assert found.sources[3] == stack.series and found.current == 3
    text = (last_session.folder() / "session.json").read_text()
    assert "Doe" not in text and "4711" not in text
    files[1].unlink()
    back = last_session.load().sources[3]
    assert not hasattr(back, "path") and len(back.frames) == 3 and back.missing == 1  # type: ignore[union-attr]


def test_the_screenshot_command_reaches_every_frame(tmp_path: Path) -> None:
    from desktop.cli import screenshot

    write_series(tmp_path / "scan", 3)
    out = tmp_path / "out.png"
    common = ["--view", "classify", "--image", str(tmp_path / "scan"), "--model", "mnist-digits", "--out", str(out)]
    assert screenshot.main([*common, "--frame", "3", "--theme", "dark"]) == 0
    with Image.open(out) as picture:
        assert picture.size == (1280, 720)
    with pytest.raises(FoveaError, match="has 3 frames"):
        screenshot.main([*common, "--frame", "4"])
