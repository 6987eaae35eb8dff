"""The image list with very many images: rows in portions, work for what is seen only."""

from __future__ import annotations

import time
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QSize, Qt

from desktop.core.types import ImageSource
from desktop.services.session import Session
from desktop.ui.classify.image_list import ImageList


@pytest.fixture
def listed(qtbot: Any) -> tuple[Session, ImageList]:
    session = Session()
    pane = ImageList(session, lambda item: None)
    pane.chosen.connect(session.set_current)
    qtbot.addWidget(pane)
    pane.resize(240, 600)
    with qtbot.waitExposed(pane):
        pane.show()
    return session, pane


def sources(count: int, start: int = 0) -> list[ImageSource]:
    return [ImageSource.from_path(f"/pictures/image-{n}.png") for n in range(start, start + count)]


def test_hundred_thousand_rows_stay_quick(qtbot: Any, qapp: Any, listed: tuple[Session, ImageList]) -> None:
    session, pane = listed
    spent = 0.0
    for start in range(0, 100_000, 400):
        portion = sources(400, start)
        before = time.thread_time()
        session.add(portion)
        qapp.processEvents()
        spent += time.thread_time() - before
    assert pane.model.rowCount() == 100_000
    assert len(pane.view.visible_rows()) < 60
    assert spent < 10  # 250 portions: 40 ms each, far above what they take
    before = time.thread_time()
    pane.filter.setText("99999")
    assert pane.model.rowCount() == 1
    pane.filter.clear()
    pane.view.scrollToBottom()
    qapp.processEvents()
    assert time.thread_time() - before < 1
    assert pane.view.visible_rows().stop == 100_000


def test_arrows_move_and_ends_stop(qtbot: Any, listed: tuple[Session, ImageList]) -> None:
    session, pane = listed
    session.add(sources(7))
    view = pane.view
    view.setFocus()
    columns = view._columns()
    assert columns == 2
    pane.step(0)
    for key, row in (
        (Qt.Key.Key_Right, 1),
        (Qt.Key.Key_Down, 3),
        (Qt.Key.Key_End, 6),
        (Qt.Key.Key_Down, 6),
        (Qt.Key.Key_Up, 4),
        (Qt.Key.Key_Left, 3),
        (Qt.Key.Key_Down, 5),
        (Qt.Key.Key_Down, 6),
        (Qt.Key.Key_Home, 0),
        (Qt.Key.Key_Up, 0),
    ):
        qtbot.keyClick(view, key)
        assert view.currentIndex().row() == row
        assert session.current is session.items[row]


def test_shift_click_selects_in_reading_order(qtbot: Any, listed: tuple[Session, ImageList]) -> None:
    session, pane = listed
    session.add(sources(9))
    view = pane.view

    def click(row: int, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        place = view.visualRect(pane.model.index(row, 0)).center()
        qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, modifier, place)

    click(1)
    click(4, Qt.KeyboardModifier.ShiftModifier)
    assert [item.source.name for item in pane.selected()] == [f"image-{n}.png" for n in (1, 2, 3, 4)]
    click(7, Qt.KeyboardModifier.ControlModifier)
    assert len(pane.selected()) == 5
    click(0)
    assert len(pane.selected()) == 1


@pytest.mark.parametrize("size", [QSize(98, 112), QSize(0, 32)])
def test_position_and_index_agree(qtbot: Any, listed: tuple[Session, ImageList], size: QSize) -> None:
    session, pane = listed
    session.add(sources(500))
    pane.view.set_cell_size(size)
    pane.view.scrollTo(pane.model.index(250, 0))
    for row in pane.view.visible_rows():
        centre = pane.view.visualRect(pane.model.index(row, 0)).center()
        assert pane.view.indexAt(centre).row() == row
    assert not pane.view.indexAt(QPoint(-5, -5)).isValid()
    assert 250 in pane.view.visible_rows()


def test_right_to_left_mirrors_columns_and_keys(qtbot: Any, listed: tuple[Session, ImageList]) -> None:
    session, pane = listed
    pane.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    session.add(sources(4))
    first, second = (pane.view.visualRect(pane.model.index(row, 0)) for row in (0, 1))
    assert first.left() > second.left()
    assert pane.view.indexAt(first.center()).row() == 0
    pane.view.setFocus()
    pane.step(0)
    qtbot.keyClick(pane.view, Qt.Key.Key_Left)
    assert pane.view.currentIndex().row() == 1
