"""Looking as a reader does, in the real window with the real engine: window, inversion, ruler, header, legend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from desktop.ui.kit.widgets import grey_of
from desktop.ui.shell.app import Shell
from tests.core.makers import dicom_bytes
from tests.patience import WAIT
from tests.ui.conftest import write_image
from tests.ui.shell.test_window import open_and_wait


def scan(path: Path, **tags: Any) -> Path:
    pixels = np.tile(np.linspace(0, 4000, 200).astype(np.uint16), (200, 1))
    named = {"PatientName": "Doe^Jane", "PatientID": "4711"}
    path.write_bytes(dicom_bytes(pixels, Modality="CT", RescaleIntercept=-1000, **{**named, **tags}))
    return path


def drag(widget: Any, begin: QPoint, end: QPoint) -> None:
    QTest.mousePress(widget, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, begin)
    QTest.mouseMove(widget, (begin + end) / 2)
    QTest.mouseMove(widget, end)
    QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, end)


def seen(shell: Shell) -> np.ndarray:
    image = shell.window.classify.picture.picture._pyramid.image
    assert image is not None
    return grey_of(image)


class Paints(QObject):
    """Counts how often a widget is painted."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.count = 0
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.count += event.type() == QEvent.Type.Paint
        return False


def test_the_ruler_is_painted_with_the_picture_and_neither_without_end(
    qtbot: Any, shell: Shell, tmp_path: Path
) -> None:
    pane = shell.window.classify.picture
    open_and_wait(qtbot, shell, [scan(tmp_path / "a.dcm", PixelSpacing=[0.5, 0.5])], "a.dcm")
    bar = pane.radiology
    qtbot.waitUntil(lambda: bar.study is not None, timeout=WAIT)
    bar.measure.click()
    whole = pane.picture.picture_rect().toRect()
    drag(pane.picture, whole.topLeft() + QPoint(2, 10), whole.topRight() + QPoint(-2, 10))
    picture, ruler = Paints(pane.picture), Paints(bar.ruler)
    before = bar.ruler.grab().toImage()
    ruler.count = 0
    pane.picture.zoom_in()
    for _ in range(100):
        QApplication.processEvents()
    assert bar.ruler.grab().toImage() != before, "its ends have moved"
    assert ruler.count >= 2, "with the picture, and by the test's own look"
    assert picture.count < 20, "once it is there, nothing is painted until something changes"


def test_window_level_inversion_and_presets(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    pane = shell.window.classify.picture
    open_and_wait(qtbot, shell, [scan(tmp_path / "a.dcm")], "a.dcm")
    bar = pane.radiology
    qtbot.waitUntil(lambda: bar.study is not None, timeout=WAIT)
    assert bar.isVisible() and bar.header.isVisible()
    names = [bar.presets.itemText(row) for row in range(bar.presets.count())]
    assert names[:2] == ["Picture", "Whole range"] and "Lung" in names and "Bone" in names
    assert bar.presets.currentText() == "Picture", "nothing was changed yet"
    bar.presets.setCurrentIndex(names.index("Lung"))
    bar.presets.activated.emit(names.index("Lung"))
    qtbot.waitUntil(lambda: "Centre -600" in bar.facts.text().replace("−", "-"), timeout=WAIT)
    qtbot.waitUntil(lambda: not bar._drawing.isActive(), timeout=WAIT)
    row = seen(shell)[50].astype(int)
    assert row[0] < 60 and row[-1] == 255 and (np.diff(row) >= 0).all()
    assert "the network used its own" in bar.facts.text()
    bar.invert.click()
    qtbot.waitUntil(lambda: int(seen(shell)[50][-1]) == 0, timeout=WAIT)
    bar.window_tool.click()
    before = bar.width_
    middle = pane.picture.rect().center()
    drag(pane.picture, middle, middle + QPoint(60, 0))
    assert bar.presets.currentIndex() == -1, "no preset has this window"
    assert bar.width_ > before and pane.picture.is_fitted, "the mouse changes the window, and moves nothing"
    centre = bar.centre
    drag(pane.picture, middle, middle + QPoint(0, 40))
    assert bar.centre > centre


def test_the_ruler_measures_where_there_is_a_scale(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    pane = shell.window.classify.picture
    files = [scan(tmp_path / "a.dcm", PixelSpacing=[0.5, 0.5]), scan(tmp_path / "b.dcm")]
    open_and_wait(qtbot, shell, files, "a.dcm")
    bar = pane.radiology
    qtbot.waitUntil(lambda: bar.study is not None, timeout=WAIT)
    bar.measure.click()
    whole = pane.picture.picture_rect().toRect()
    drag(pane.picture, whole.topLeft() + QPoint(2, 10), whole.topRight() + QPoint(-2, 10))
    assert bar.ruler.line is not None and bar.ruler.words.endswith(" mm")
    assert 92 < float(bar.ruler.words.split()[0].replace(",", ".")) <= 100.1, "200 pixels of half a millimetre"
    assert not bar.ruler.grab().isNull()
    shell.window.classify.session.set_current(shell.window.classify.session.items[1])
    qtbot.waitUntil(lambda: bar.study is not None and bar.study.spacing is None, timeout=WAIT)
    assert bar.ruler.line is None and not bar.measure.isChecked()
    bar.measure.click()
    assert "no scale" in bar.facts.text()


def test_the_header_shows_no_patient_until_asked(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    pane = shell.window.classify.picture
    open_and_wait(qtbot, shell, [scan(tmp_path / "a.dcm")], "a.dcm")
    pane.radiology.header.click()
    dialog = pane._header
    assert dialog is not None
    qtbot.waitUntil(lambda: dialog.model.rowCount() > 5, timeout=WAIT)

    def text() -> str:
        rows = range(dialog.model.rowCount())
        return "\n".join(str(dialog.model.index(row, column).data()) for row in rows for column in range(3))

    assert "Doe" not in text() and "4711" not in text() and "hidden" in text() and "Modality" in text()
    dialog.reveal.click()
    qtbot.waitUntil(lambda: "Doe^Jane" in text(), timeout=WAIT)
    dialog.filter.setText("modality")
    assert dialog.model.rowCount() == 1
    dialog.reject()


def test_colour_pictures_need_none_of_it(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    open_and_wait(qtbot, shell, [write_image(tmp_path / "a.png", "red")], "a.png")
    assert not shell.window.classify.picture.radiology.isVisible()
    assert shell.window.classify.picture.why.legend.grab().toImage().width() > 0
