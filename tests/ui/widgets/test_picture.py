"""The picture and what the network saw."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QWheelEvent
from PySide6.QtWidgets import QApplication, QDialog

from desktop.core.types import Notice, PreprocessSpec
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import image_of, sentence
from desktop.ui.widgets.picture_view import MAX_ZOOM, PictureView
from desktop.ui.widgets.prepared_view import PreparedView, facts_of
from tests.store.makers import manifest
from tests.ui.widgets.makers import answer, double_click, picture, sources


@pytest.fixture
def view(qtbot: Any) -> PictureView:
    widget = PictureView()
    qtbot.addWidget(widget)
    widget.resize(324, 224)
    widget.show()
    return widget


def wheel(widget: PictureView, at: QPointF, notches: int, pixels: QPoint | None = None) -> None:
    phase = Qt.ScrollPhase.NoScrollPhase if pixels is None else Qt.ScrollPhase.ScrollUpdate
    event = QWheelEvent(
        at,
        widget.mapToGlobal(at),
        pixels or QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        phase,
        False,
    )
    QApplication.sendEvent(widget, event)


def test_a_large_picture_is_fitted_and_follows_the_view(view: PictureView) -> None:
    view.set_image(picture(600, 400))
    assert view.zoom == pytest.approx(0.5)
    view.resize(624, 424)
    assert view.zoom == pytest.approx(1.0)
    assert view.is_fitted


def test_a_small_picture_is_fitted_in_whole_steps(view: PictureView) -> None:
    view.set_image(picture(28, 28))
    assert view.zoom == 7.0


def test_zoom_is_told_once_and_kept_within_its_limits(view: PictureView, qtbot: Any) -> None:
    view.set_image(picture(600, 400))
    with qtbot.waitSignal(view.zoom_changed) as told:
        view.actual_size()
    assert told.args == [1.0]
    view.set_zoom(1e9)
    assert view.zoom == MAX_ZOOM
    view.set_zoom(1e-9)
    assert view.zoom == pytest.approx(0.5)  # the fitted size


def test_a_hundred_per_cent_is_never_jumped_over(view: PictureView) -> None:
    view.set_image(picture(600, 400))
    view.set_zoom(0.9)
    view.zoom_in()
    assert view.zoom == 1.0
    view.set_zoom(1.1)
    view.zoom_out()
    assert view.zoom == 1.0


def test_the_wheel_zooms_about_the_pointer(view: PictureView) -> None:
    view.set_image(picture(600, 400))
    view.set_zoom(2.0)
    spot = QPointF(200, 150)
    before = view.to_picture(spot)
    wheel(view, spot, 1)
    assert view.zoom == pytest.approx(2.5)
    after = view.to_picture(spot)
    assert (after - before).manhattanLength() < 1e-6


def test_two_fingers_move_the_picture(view: PictureView) -> None:
    view.set_image(picture(600, 400))
    view.set_zoom(2.0)
    before = view.to_picture(QPointF(0, 0))
    wheel(view, QPointF(100, 100), 1, QPoint(-20, -10))
    moved = view.to_picture(QPointF(0, 0)) - before
    assert view.zoom == 2.0
    assert (moved.x(), moved.y()) == pytest.approx((10, 5))


def test_dragging_moves_the_picture_but_never_out_of_sight(view: PictureView, qtbot: Any) -> None:
    view.set_image(picture(600, 400))
    view.actual_size()
    left = Qt.MouseButton.LeftButton
    qtbot.mousePress(view, left, pos=QPoint(100, 100))
    qtbot.mouseMove(view, QPoint(5000, 100))
    qtbot.mouseRelease(view, left, pos=QPoint(5000, 100))
    assert view.picture_rect().left() == 0


def test_a_double_click_toggles_between_fitted_and_actual_size(view: PictureView) -> None:
    view.set_image(picture(600, 400))
    double_click(view, 100, 100)
    assert view.zoom == 1.0
    double_click(view, 100, 100)
    assert view.is_fitted


def test_keys_zoom_and_pan(view: PictureView, qtbot: Any) -> None:
    view.set_image(picture(600, 400))
    qtbot.keyClick(view, Qt.Key.Key_1)
    assert view.zoom == 1.0
    left = view.picture_rect().left()
    qtbot.keyClick(view, Qt.Key.Key_Right)
    assert view.picture_rect().left() == left - 60
    qtbot.keyClick(view, Qt.Key.Key_Plus)
    assert view.zoom == pytest.approx(1.25)
    qtbot.keyClick(view, Qt.Key.Key_0)
    assert view.is_fitted


def test_pixels_are_squares_above_200_per_cent(view: PictureView) -> None:
    image = QImage(2, 1, QImage.Format.Format_RGB888)
    image.setPixelColor(0, 0, QColor("black"))
    image.setPixelColor(1, 0, QColor("white"))
    view.set_image(image)
    view.set_zoom(40)
    shot = view.grab().toImage()
    middle = shot.height() // 2
    values = {shot.pixelColor(x, middle).lightness() for x in range(int(shot.width() / 2) - 30, shot.width() // 2 + 30)}
    assert values == {0, 255}


def test_the_ground_is_dark_in_both_themes_and_shows_through_nothing(view: PictureView) -> None:
    clear = QImage(100, 100, QImage.Format.Format_ARGB32)
    clear.fill(Qt.GlobalColor.transparent)
    view.set_image(clear)
    shot = view.grab().toImage()
    assert shot.pixelColor(3, 3).name().upper() == theme().tokens.picture_ground
    assert shot.pixelColor(shot.width() // 2, shot.height() // 2).lightness() > 200  # the checkerboard


def test_a_large_picture_is_halved_between_events_and_looks_the_same(view: PictureView, qtbot: Any) -> None:
    pixels = np.zeros((2001, 3001), np.uint8)
    pixels[:, 1500:] = 200
    view.set_image(image_of(pixels))
    qtbot.waitUntil(lambda: not view._pyramid.busy, timeout=10_000)
    level = view._pyramid.level_for(0.1)
    assert level is not None
    assert level.width() == 375
    shot = view.grab().toImage()
    assert shot.pixelColor(shot.width() // 2 - 40, 112).lightness() == 0
    assert shot.pixelColor(shot.width() // 2 + 40, 112).lightness() == 200


def test_another_picture_drops_the_halvings_of_the_earlier_one(view: PictureView, qtbot: Any) -> None:
    view.set_image(image_of(np.zeros((1500, 1500), np.uint8)))
    view.set_image(image_of(np.full((1200, 1200), 255, np.uint8)))
    qtbot.waitUntil(lambda: not view._pyramid.busy, timeout=10_000)
    level = view._pyramid.level_for(0.25)
    assert level is not None
    assert (level.width(), level.pixelColor(5, 5).lightness()) == (300, 255)


def test_the_pixel_under_the_pointer_is_told_in_the_original_s_pixels(view: PictureView, qtbot: Any) -> None:
    view.set_image(picture(300, 200), original_size=(600, 400))
    assert view.zoom == pytest.approx(0.5)
    qtbot.mouseMove(view, QPoint(2, 2))  # a pointer that is there already makes no move
    with qtbot.waitSignal(view.pixel_hovered) as told:
        qtbot.mouseMove(view, QPoint(212, 112))
    assert told.args == [400, 200, "0 0 255"]


def test_it_says_what_it_shows(view: PictureView) -> None:
    view.set_message("Drop a picture here.")
    assert view.accessibleDescription() == "Drop a picture here."
    view.set_image(picture(600, 400))
    assert "600 × 400" in view.accessibleDescription()
    assert "50" in view.accessibleDescription()


def test_refining_keeps_zoom_and_place(view: PictureView) -> None:
    view.set_image(picture(300, 200), original_size=(600, 400))
    view.set_zoom(2.0, QPointF(10, 10))
    before = view.picture_rect()
    view.refine(picture(600, 400), original_size=(600, 400))
    assert view.picture_rect() == before
    assert view.zoom == 2.0


# What the network saw


@pytest.fixture
def prepared(qtbot: Any) -> PreparedView:
    widget = PreparedView()
    qtbot.addWidget(widget)
    widget.resize(200, 400)
    widget.show()
    return widget


def test_small_inputs_are_shown_as_squares_and_byte_for_byte(prepared: PreparedView) -> None:
    array = np.arange(28 * 28, dtype=np.uint8).reshape(28, 28, 1)
    prepared.show_prepared(array, ["28×28 · grey"])
    image = prepared.image
    assert image is not None
    seen = [[image.pixelColor(x, y).red() for x in range(28)] for y in range(28)]
    assert np.array_equal(np.array(seen), array[..., 0])
    rect = prepared._pixels._scaled(prepared._pixels.width(), prepared._pixels.height())
    assert rect.width() % 28 == 0


@pytest.mark.parametrize("width", [3, 5, 31])
def test_odd_widths_keep_their_rows(width: int) -> None:
    array = np.random.default_rng(0).integers(0, 256, (7, width, 3), np.uint8)
    image = image_of(array[:, ::-1])  # not contiguous
    assert [image.pixelColor(0, y).getRgb()[:3] for y in range(7)] == [tuple(row) for row in array[:, -1].tolist()]


def test_other_arrays_are_refused(prepared: PreparedView) -> None:
    with pytest.raises(ValueError, match="expected uint8"):
        prepared.show_prepared(np.zeros((4, 4), np.float32), [])
    with pytest.raises(ValueError, match="expected uint8"):
        prepared.show_prepared(np.zeros((4, 4, 2), np.uint8), [])


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Space])
def test_it_is_enlarged_from_the_keyboard(prepared: PreparedView, qtbot: Any, key: Qt.Key) -> None:
    prepared.show_prepared(np.zeros((32, 32, 3), np.uint8), ["32×32 · colour"])
    with qtbot.waitSignal(prepared.enlarged):
        qtbot.keyClick(prepared._pixels, key)
    dialog = prepared.window().findChild(QDialog)
    assert dialog.isVisible()
    dialog.close()


def test_nothing_to_enlarge_is_no_stop_for_the_keyboard(prepared: PreparedView) -> None:
    prepared.show_prepared(None, [])
    assert prepared._pixels.focusPolicy() == Qt.FocusPolicy.NoFocus
    prepared.enlarge()
    assert prepared.window().findChild(QDialog) is None


def test_facts_are_about_the_input_and_not_about_the_file() -> None:
    digits = manifest(preprocess=PreprocessSpec(28, 28, "grey", "mnist"))
    notices = (
        Notice("windowed", "16-bit, windowed 1024/512"),
        Notice("inverted", "dark ink on light paper was inverted"),
        Notice("centred", "the ink was centred"),
    )
    facts = facts_of(answer(0, sources(1)[0], (0.2, 0.8), notices=notices), digits)
    assert facts == ["28×28 · grey", "dark ink on light paper was inverted", "the ink was centred"]


def test_the_fit_is_said_where_no_notice_says_it() -> None:
    assert facts_of(answer(0, sources(1)[0], (0.2, 0.8)), manifest()) == ["8×8 · colour", "stretched to fit"]


def test_sentences() -> None:
    assert sentence("the file is empty") == "The file is empty."
    assert sentence("img.png is empty") == "img.png is empty."
    assert sentence("Why?") == "Why?"
    assert sentence("") == ""
