"""The Models view in a real window: real files, real children, a real server that misbehaves."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QDialog

from desktop.ml.exchange.foreign import FoundInFile
from desktop.store import catalogue
from desktop.store.store import ModelStore
from desktop.ui.models.dialogs import ExportDialog, ImportDialog, InstallDialog
from desktop.ui.models.view import ModelsView
from desktop.ui.shell.app import Shell
from tests.ml.exchange import foreign_files as files
from tests.patience import patient
from tests.store.servers import CONTENT, serving

WAIT = 30_000


@pytest.fixture
def view(qtbot: Any, shell: Shell) -> Iterator[ModelsView]:
    """The Models view of a whole window, its cards read."""
    shell.window.show_view("models")
    found = shell.window.later("models")
    assert isinstance(found, ModelsView)
    settle(qtbot, found)
    found.list.choose("colours")
    settle(qtbot, found)
    yield found
    found.jobs.stop()


def settle(qtbot: Any, view: ModelsView) -> None:
    qtbot.waitUntil(lambda: view.settled and view.catalog._reader is None, timeout=WAIT)


def ids(view: ModelsView) -> list[str]:
    return [card.id for card in view.list.cards if card.entry is not None]


def said(view: ModelsView) -> str:
    window = view.window()
    return str(window.messages.text)  # type: ignore[attr-defined]


def dialog_of(qtbot: Any, view: ModelsView, kind: type[QDialog]) -> Any:
    qtbot.waitUntil(lambda: any(d.isVisible() for d in view.findChildren(kind)), timeout=WAIT)
    return next(d for d in view.findChildren(kind) if d.isVisible())


def test_models_and_what_can_be_installed_have_cards(view: ModelsView) -> None:
    states = {card.id: card.state for card in view.list.cards}
    assert states["colours"] == states["xray"] == "ready"
    assert states["mobilenet-v3-small-imagenet"] == states["vgg16-imagenet-base"] == "absent"
    assert "3" in view.list.current.lines()[0]  # type: ignore[union-attr]
    assert not view.detail.medical.isVisible()
    view.list.choose("xray")
    assert view.detail.medical.isVisible()
    view.list.choose("vgg16-imagenet-base")
    assert view.detail.install.isVisible() and not view.detail.use.isVisible()
    assert "storage.googleapis.com" in view.detail.card_tab.toPlainText()
    view.filter.setText("xr")
    assert [card.id for card in view.list._cards.shown] == ["xray"]


def test_what_a_filter_hides_is_not_acted_upon_and_comes_back_with_it(view: ModelsView) -> None:
    def chosen() -> tuple[str, str]:
        return tuple(card.id if card is not None else "" for card in (view.list.current, view.detail.card))  # type: ignore[return-value]

    view.filter.setText("col")
    assert chosen() == ("colours", "colours") and view.can_export()
    view.filter.setText("xray")
    assert chosen() == ("xray", "xray")
    view.filter.setText("no such model")
    assert chosen() == ("", "") and not view.can_export() and not view.detail.use.isVisible()
    view.filter.setText("")
    assert chosen() == ("colours", "colours")


def test_rename_duplicate_delete_and_take_back(qtbot: Any, shell: Shell, view: ModelsView) -> None:
    view.asking.rename("My colours")
    settle(qtbot, view)
    assert view.list.current is not None and view.list.current.name == "My colours"
    view.detail.duplicate_action.trigger()
    settle(qtbot, view)
    assert view.list.current.id == "my-colours-copy"
    view.detail.delete_action.trigger()
    settle(qtbot, view)
    assert "my-colours-copy" not in ids(view) and "trash" in said(view)
    shell.window.undo()
    settle(qtbot, view)
    assert "my-colours-copy" in ids(view) and view.list.current.id == "my-colours-copy"
    assert not view.can_undo()
    view.asking.rename("")
    qtbot.waitUntil(lambda: view.failure.isVisible(), timeout=WAIT)


def test_verify_names_the_file_that_changed(qtbot: Any, view: ModelsView, colours_store: ModelStore) -> None:
    view.detail.files.verify.click()
    settle(qtbot, view)
    table = view.detail.files._model
    assert table.cell(0, 2).text.startswith("✓")
    path = colours_store.user_root / "colours" / "model.tflite"
    data = bytearray(path.read_bytes())
    data[77] ^= 1
    path.write_bytes(data)
    view.detail.verify_action.trigger()
    settle(qtbot, view)
    assert table.cell(0, 2).text.startswith("✗") and "not as it was" in said(view)


def test_a_dropped_network_is_asked_about_and_imported(
    qtbot: Any, shell: Shell, view: ModelsView, tmp_path: Path
) -> None:
    path = files.tflite_file(tmp_path / "means.tflite")
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    event = QDropEvent(
        QPointF(400, 300),
        Qt.DropAction.CopyAction,
        mime,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    shell.window.dropEvent(event)
    dialog = dialog_of(qtbot, view, ImportDialog)
    assert not dialog.accept_button.isEnabled() and "classes" in dialog._missing.text()
    dialog.labels.setPlainText("red\ngreen")
    assert "2 classes" in dialog._missing.text()
    dialog.labels.setPlainText("red\ngreen\nblue")
    for box, key in ((dialog.scaling, "0-1"), (dialog.fit, "stretch"), (dialog.ends, "logits")):
        assert not dialog.accept_button.isEnabled()
        box.setCurrentIndex(box.findData(key))
    assert dialog.accept_button.isEnabled()
    dialog.accept_button.click()
    qtbot.waitUntil(lambda: "means" in ids(view), timeout=WAIT)
    settle(qtbot, view)
    assert view.list.current is not None and view.list.current.id == "means"
    view.detail.use.click()
    assert shell.window.shown is None and shell.window.classify.session.model_id == "means"


def test_a_hostile_file_is_refused_where_it_happened(qtbot: Any, view: ModelsView, tmp_path: Path) -> None:
    path = files.tflite_file(tmp_path / "evil.tflite", custom="Evil")
    before = ids(view)
    view.asking.import_file(path)
    qtbot.waitUntil(lambda: view.failure.isVisible(), timeout=WAIT)
    settle(qtbot, view)
    assert "Evil" in view.failure._message.text() and ids(view) == before


def test_export_writes_an_archive_that_comes_back(qtbot: Any, view: ModelsView, tmp_path: Path) -> None:
    target = tmp_path / "colours.fovea.zip"
    assert view.can_export()
    view.asking.export_to("zip", target)
    settle(qtbot, view)
    assert target.is_file() and "Written" in said(view)
    view.asking.import_file(target)
    qtbot.waitUntil(lambda: "colours-2" in ids(view), timeout=WAIT)


def test_dialogs_say_what_will_happen(qtbot: Any, view: ModelsView) -> None:
    network = catalogue.load().get("vgg16")
    wanted: list[tuple[str, str]] = []
    install = InstallDialog(network, 5_000_000, "", view)
    qtbot.addWidget(install)
    install.wanted.connect(lambda path, precision: wanted.append((path, precision)))
    assert "5" in install.start.text()
    install.half.setChecked(True)
    install.start.click()
    assert wanted == [("", "float16")]
    export = ExportDialog("Colours", False, "", view)
    qtbot.addWidget(export)
    assert export.form == "zip" and not export.forms["keras"].isEnabled()
    grey = ImportDialog("net.keras", FoundInFile("keras", None, None, 1, 1000, None, 10), (tuple("ab"), ()), "", view)
    qtbot.addWidget(grey)
    assert grey.scaling.findData("caffe") < 0 and grey.scaling.findData("0-1") > 0


def _network(url: str) -> catalogue.Network:
    known = catalogue.load().get("vgg16-base")
    return replace(known, url=url, size=len(CONTENT), size_exact=True)


def test_a_download_is_paused_goes_on_and_its_wrong_file_is_refused(qtbot: Any, view: ModelsView) -> None:
    from desktop.ml.exchange.install import InstallRequest

    go_on = threading.Event()

    def behave(h: Any) -> None:
        if h.number == 1:
            h.send_response(200)
            h.send_header("ETag", '"one"')
            h.send_header("Content-Length", str(len(CONTENT)))
            h.end_headers()
            h.wfile.write(CONTENT[:300_000])
            h.wfile.flush()
            go_on.wait(patient(20))
        else:
            h.give()

    with serving(behave) as server:
        view.jobs.install(InstallRequest(_network(server.url)))  # type: ignore[attr-defined]
        qtbot.waitUntil(lambda: view.job_bar.pause.isVisible(), timeout=WAIT)
        assert "of 1.0 MB" in view.job_bar.text and not view.import_button.isEnabled()
        view.job_bar.pause.click()
        assert view.jobs.paused and "Paused" in view.job_bar.text
        go_on.set()
        view.job_bar.pause.click()
        qtbot.waitUntil(lambda: view.failure.isVisible(), timeout=WAIT)
    words = view.failure._message.text()
    assert "not the published file" in words and _network("x").md5 in words  # type: ignore[operator]
    settle(qtbot, view)
    assert not catalogue.base_weights(_network("x")).exists() and view.import_button.isEnabled()


def test_a_download_is_cancelled(qtbot: Any, view: ModelsView) -> None:
    from desktop.ml.exchange.install import InstallRequest

    stay = threading.Event()

    def behave(h: Any) -> None:
        h.send_response(200)
        h.send_header("ETag", '"one"')
        h.send_header("Content-Length", str(len(CONTENT)))
        h.end_headers()
        for start in range(0, 900_000, 1000):
            if stay.wait(0.01):
                return
            h.wfile.write(CONTENT[start : start + 1000])

    with serving(behave) as server:
        view.jobs.install(InstallRequest(_network(server.url)))  # type: ignore[attr-defined]
        qtbot.waitUntil(lambda: view.job_bar.pause.isVisible(), timeout=WAIT)
        view.job_bar.cancel.click()
        settle(qtbot, view)
        stay.set()
    assert "Cancelled" in said(view) and not view.failure.isVisible()


def test_closing_the_window_during_a_job_asks_first(qtbot: Any, shell: Shell, view: ModelsView) -> None:
    from PySide6.QtWidgets import QMessageBox

    from desktop.ml.exchange.install import InstallRequest

    stay = threading.Event()
    with serving(lambda h: stay.wait(patient(20))) as server:
        view.jobs.install(InstallRequest(_network(server.url)))  # type: ignore[attr-defined]
        assert not shell.window.close() and shell.window.isVisible()
        box = dialog_of(qtbot, view, QMessageBox)
        stay.set()
        next(button for button in box.buttons() if "close" in button.text()).click()
        assert not shell.window.isVisible() and not view.jobs.running
