"""The sheet of paper alone: mouse, pen, finger and eraser."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import QGuiApplication, QInputDevice, QPointingDevice, QTabletEvent
from PySide6.QtTest import QTest

from desktop.core.drawings import strokes
from desktop.ui.draw.canvas import READ_SIDE, DrawingCanvas, Mark
from tests.ui.draw.test_view import pixels


@pytest.fixture
def canvas(qtbot: Any) -> DrawingCanvas:
    made = DrawingCanvas()
    qtbot.addWidget(made)
    made.resize(400, 400)
    made.show()
    return made


def test_ink_grows_and_the_eraser_takes_ink_alone(canvas: DrawingCanvas) -> None:
    canvas.pen_width = 0.05
    canvas.begin(0.2, 0.5)
    canvas.draw_to(0.8, 0.5)
    canvas.lift()
    assert pixels(canvas)[READ_SIDE // 2, READ_SIDE // 2] < 60
    canvas.erasing = True
    canvas.begin(0.5, 0.4)
    canvas.draw_to(0.5, 0.6)
    canvas.lift()
    assert pixels(canvas)[READ_SIDE // 2, READ_SIDE // 2] == 255
    canvas.undo()
    assert pixels(canvas)[READ_SIDE // 2, READ_SIDE // 2] < 60
    # Painted as it grew, or painted anew: the same sheet.
    grown = pixels(canvas)
    canvas.set_drawing(canvas.drawing)
    np.testing.assert_array_equal(grown, pixels(canvas))


def test_the_sheet_is_drawn_once_for_all_who_ask(canvas: DrawingCanvas) -> None:
    blank = canvas.picture()
    assert canvas.picture() is blank
    canvas.begin(0.2, 0.5)
    begun = canvas.picture()
    canvas.draw_to(0.8, 0.5)
    drawn = canvas.picture()
    canvas.lift()
    assert len({id(each) for each in (blank, begun, drawn)}) == 3 and begun != drawn and canvas.picture() == drawn
    canvas.undo()
    assert canvas.picture() == blank


def tablet(canvas: DrawingCanvas, kind: QEvent.Type, x: float, y: float, pressure: float, rubber: bool = False) -> None:
    capabilities = QInputDevice.Capability.Position | QInputDevice.Capability.Pressure
    pointer = QPointingDevice.PointerType.Eraser if rubber else QPointingDevice.PointerType.Pen
    device = QPointingDevice("pen", 7, QInputDevice.DeviceType.Stylus, pointer, capabilities, 1, 2)
    rect = canvas.sheet_rect()
    at = QPointF(rect.x() + x * rect.width(), rect.y() + y * rect.height())
    button = Qt.MouseButton.LeftButton
    held = Qt.MouseButton.NoButton if kind == QEvent.Type.TabletRelease else button
    event = QTabletEvent(
        kind, device, at, canvas.mapToGlobal(at), pressure, 0, 0, 0, 0, 0, Qt.KeyboardModifier.NoModifier, button, held
    )
    QGuiApplication.sendEvent(canvas, event)


def test_a_pen_presses_and_its_other_end_rubs_out(canvas: DrawingCanvas) -> None:
    for kind, x, pressure in (
        (QEvent.Type.TabletPress, 0.2, 0.1),
        (QEvent.Type.TabletMove, 0.5, 0.5),
        (QEvent.Type.TabletMove, 0.8, 1.0),
        (QEvent.Type.TabletRelease, 0.8, 0.0),
    ):
        tablet(canvas, kind, x, 0.5, pressure)
    (stroke,) = canvas.drawing
    assert [point[2] for point in stroke.points] == [0.1, 0.5, 1.0]
    columns = (pixels(canvas) < 128).sum(axis=0)
    assert columns[int(0.25 * READ_SIDE)] < columns[int(0.75 * READ_SIDE)]
    canvas.use_pressure = False
    for kind, x in ((QEvent.Type.TabletPress, 0.4), (QEvent.Type.TabletMove, 0.6), (QEvent.Type.TabletRelease, 0.6)):
        tablet(canvas, kind, x, 0.5, 0.2, rubber=True)
    assert canvas.drawing[1].erase and canvas.drawing[1].points[0][2] == 1.0
    assert not canvas.erasing
    assert pixels(canvas)[READ_SIDE // 2, READ_SIDE // 2] == 255


def test_a_finger_draws(canvas: DrawingCanvas, qapp: Any) -> None:
    device = QTest.createTouchDevice()
    rect = canvas.sheet_rect()

    def at(x: float) -> Any:
        return QPointF(rect.x() + x * rect.width(), rect.center().y()).toPoint()

    QTest.touchEvent(canvas, device).press(1, at(0.2), canvas).commit()
    QTest.touchEvent(canvas, device).move(1, at(0.6), canvas).commit()
    QTest.touchEvent(canvas, device).release(1, at(0.7), canvas).commit()
    (stroke,) = canvas.drawing
    assert len(stroke.points) >= 2 and (pixels(canvas) < 128).any()


def press(canvas: DrawingCanvas, how: str, at: QPointF) -> None:
    """Press and let go at a place of the widget."""
    if how == "mouse":
        QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=at.toPoint())
    elif how == "finger":
        device = QTest.createTouchDevice()
        QTest.touchEvent(canvas, device).press(1, at.toPoint(), canvas).commit()
        QTest.touchEvent(canvas, device).release(1, at.toPoint(), canvas).commit()
    else:
        rect = canvas.sheet_rect()
        x, y = (at.x() - rect.x()) / rect.width(), (at.y() - rect.y()) / rect.height()
        tablet(canvas, QEvent.Type.TabletPress, x, y, 1.0)
        tablet(canvas, QEvent.Type.TabletRelease, x, y, 0.0)


@pytest.mark.parametrize("how", ["mouse", "pen", "finger"])
def test_a_word_is_chosen_and_nothing_is_drawn_beside_the_sheet(canvas: DrawingCanvas, qtbot: Any, how: str) -> None:
    canvas.resize(600, 400)
    canvas.set_marks([Mark(QRectF(0.4, 0.4, 0.2, 0.3), "7", True)])
    rect = canvas.sheet_rect()
    chosen: list[int] = []
    canvas.mark_chosen.connect(chosen.append)
    press(canvas, how, canvas._on_screen(canvas._marks[0].rect, rect).topLeft() + QPointF(6, -6))
    press(canvas, how, QPointF(rect.left() - 20, 100))
    assert chosen == [0] and canvas.blank
    press(canvas, how, rect.center())
    assert len(canvas.drawing) == 1


def test_a_hand_that_rests_on_the_screen_draws_nothing(canvas: DrawingCanvas, qapp: Any) -> None:
    device = QTest.createTouchDevice()
    rect = canvas.sheet_rect()

    def at(x: float, y: float) -> Any:
        return QPointF(rect.x() + x * rect.width(), rect.y() + y * rect.height()).toPoint()

    QTest.touchEvent(canvas, device).press(1, at(0.2, 0.2), canvas).commit()
    QTest.touchEvent(canvas, device).move(1, at(0.3, 0.2), canvas).press(2, at(0.9, 0.9), canvas).commit()
    QTest.touchEvent(canvas, device).release(1, at(0.3, 0.25), canvas).move(2, at(0.9, 0.85), canvas).commit()
    QTest.touchEvent(canvas, device).move(2, at(0.8, 0.8), canvas).commit()
    QTest.touchEvent(canvas, device).release(2, at(0.7, 0.8), canvas).commit()
    (stroke,) = canvas.drawing
    assert all(x < 0.4 and y < 0.4 for x, y, _ in stroke.points)


def test_a_stroke_that_leaves_the_sheet_can_be_saved_and_opened(canvas: DrawingCanvas) -> None:
    canvas.begin(0.5, 0.5)
    canvas.draw_to(9.0, -7.0, 1.5)
    canvas.lift()
    assert strokes.loads(strokes.dumps(canvas.drawing)) == canvas.drawing
