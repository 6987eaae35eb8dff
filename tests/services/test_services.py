"""Samples, a second instance, what a paste holds, and what is loaded before the first paint."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QUrl

from desktop.services.clipboard import can_take, read_mime
from desktop.services.samples import samples, samples_for
from desktop.services.single_instance import SingleInstance
from tests.patience import patient

ROOT = Path(__file__).resolve().parents[2]


def test_samples_exist_and_fit_their_models() -> None:
    everything = samples()
    assert everything
    assert all(Path(sample.path).is_file() for sample in everything)
    assert {"china.jpg", "flower.jpg"} <= {Path(sample.path).name for sample in everything}
    assert {sample.kind for sample in samples_for("mnist-cnn")} == {"digit"}
    assert {sample.kind for sample in samples_for("chest-xray")} == {"xray"}
    assert {sample.kind for sample in samples_for("vgg16-imagenet")} == {"photo"}


def test_finding_samples_loads_no_scikit_learn() -> None:
    code = "import sys; from desktop.services.samples import samples; samples(); print('sklearn' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=patient(60), check=True
    )
    assert done.stdout.strip() == "False"


SECOND = """
import sys
from PySide6.QtCore import QCoreApplication
from desktop.services.single_instance import SingleInstance
app = QCoreApplication([])
instance = SingleInstance()
print(instance.acquire(), instance.hand_over(sys.argv[1:]))
"""


def test_second_instance_hands_its_paths_over(qtbot: Any, tmp_path: Path) -> None:
    first = SingleInstance()
    assert first.acquire()
    first.listen()
    try:
        with qtbot.waitSignal(first.received, timeout=20_000) as received:
            second = subprocess.Popen(
                [sys.executable, "-c", SECOND, "relative Ü.png", str(tmp_path)],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                text=True,
            )
        output, _ = second.communicate(timeout=patient(20))
        assert output.split() == ["False", "True"]
        assert received.args == [[str(ROOT / "relative Ü.png"), str(tmp_path)]]
    finally:
        first.release()
    assert SingleInstance().acquire()


MANY = """
import sys
from PySide6.QtCore import QCoreApplication
from desktop.services.single_instance import SingleInstance
app = QCoreApplication([])
instance = SingleInstance()
print(instance.acquire(), instance.hand_over([f"/{'long name ' * 20}/{n}.png" for n in range(30_000)]))
"""


def test_many_paths_are_handed_over_in_portions(qtbot: Any) -> None:
    first = SingleInstance()
    assert first.acquire()
    first.listen()
    taken: list[str] = []
    first.received.connect(taken.extend)
    try:
        second = subprocess.Popen([sys.executable, "-c", MANY], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        qtbot.waitUntil(lambda: second.poll() is not None, timeout=60_000)
        assert second.communicate()[0].split() == ["False", "True"]
        assert len(taken) == 30_000 and taken[-1].endswith("/29999.png")
    finally:
        first.release()


BUSY = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMessageBox
from desktop.services import single_instance
from desktop.ui.shell import app
single_instance._WAIT_S = 0.2
application = app.make_application(())
def close():
    for box in application.topLevelWidgets():
        if isinstance(box, QMessageBox):
            print(box.text())
            box.accept()
timer = QTimer()
timer.timeout.connect(close)
timer.start(50)
print(app.run([]))
"""


def test_no_second_window_beside_a_first_that_does_not_answer() -> None:
    first = SingleInstance()
    assert first.acquire()  # and does not listen
    try:
        done = subprocess.run(
            [sys.executable, "-c", BUSY], cwd=ROOT, capture_output=True, text=True, timeout=patient(60), check=True
        )
    finally:
        first.release()
    assert done.stdout.split("\n")[:2] == ["Fovea is running already, but does not answer.", "1"]


def test_what_is_no_list_of_paths_is_dropped(qtbot: Any) -> None:
    from PySide6.QtNetwork import QLocalSocket

    first = SingleInstance()
    assert first.acquire()
    first.listen()
    try:
        with qtbot.assertNotEmitted(first.received, wait=300):
            for message in (b'{"a": 1}\n', b"[1]\n", b"\xff\n", b"[" * 5000 + b"\n"):
                socket = QLocalSocket()
                socket.connectToServer(first.address)
                assert socket.waitForConnected(2000)
                socket.write(message)
                assert socket.waitForBytesWritten(2000)
    finally:
        first.release()


@pytest.mark.parametrize("text", ["/a/b.png\n'/c d.png'", "file:///a/b.png\n\n  /c d.png "])
def test_text_paths_are_taken(qapp: Any, text: str) -> None:
    mime = QMimeData()
    mime.setText(text)
    assert can_take(mime)
    assert read_mime(mime).paths == ("/a/b.png", "/c d.png")


def test_a_long_list_of_paths_is_taken_whole(qapp: Any) -> None:
    mime = QMimeData()
    mime.setText("\n".join(f"/x/{number}.png" for number in range(20_000)))
    assert len(read_mime(mime).paths) == 20_000


def test_bytes_go_before_text_and_files_before_bytes(qapp: Any) -> None:
    mime = QMimeData()
    mime.setData("image/png", b"png")
    mime.setText("/a.png")
    assert read_mime(mime).data == b"png"
    mime.setUrls([QUrl.fromLocalFile("/b.png")])
    assert read_mime(mime).paths == ("/b.png",)


def test_web_address_is_refused_in_words(qapp: Any) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl("https://example.org/a.png")])
    assert "offline" in read_mime(mime).message


FIRST_PAINT = """
import sys
from desktop.ui.shell.app import build_window, make_application
app = make_application(())
shell = build_window()
shell.window.painted.disconnect(shell._start)
shell.window.painted.connect(app.quit)
shell.window.show()
app.exec()
heavy = ("numpy", "multiprocessing", "matplotlib", "tensorflow", "keras", "cv2", "PIL", "PySide6.QtNetwork", "sklearn")
print([name for name in heavy if name in sys.modules])
"""


def test_nothing_heavy_is_loaded_before_the_first_paint() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FIRST_PAINT], cwd=ROOT, capture_output=True, text=True, timeout=patient(60), check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_list_of_images_that_is_damaged_or_cannot_be_read_is_not_lost(
    fovea_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from desktop.core.types import FoveaError, ImageSource
    from desktop.services import last_session
    from desktop.system import strict_json

    pasted = ImageSource("pasted.png", data=b"\x89PNG one")
    last_session.save([pasted], 0, None)
    assert [source.data for source in last_session.load().sources] == [pasted.data]
    place = last_session.folder()
    kept = (place / "session.json").read_text(encoding="utf-8")
    read = strict_json.read_object

    def refused(path: Path, *rest: object) -> dict[str, object]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(strict_json, "read_object", refused)
    assert last_session.load().sources == ()
    with pytest.raises(FoveaError):
        last_session.save([ImageSource("other.png", data=b"\x89PNG two")], 0, None)
    monkeypatch.setattr(strict_json, "read_object", read)
    assert (place / "session.json").read_text(encoding="utf-8") == kept
    (place / "session.json").write_text(kept[:-9], encoding="utf-8")
    last_session.save([ImageSource("other.png", data=b"\x89PNG two")], 0, None)
    assert (place / "session.damaged.json").read_text(encoding="utf-8") == kept[:-9]
    assert len(list(place.glob("*.picture"))) == 2, "what the damaged list may name stays"
    last_session.clear()
    assert list(place.iterdir()) == []


def test_a_pasted_picture_too_large_to_remember_is_missed_and_moves_no_other(
    fovea_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from desktop.core.types import ImageSource
    from desktop.services import last_session

    monkeypatch.setattr(last_session, "MOST_PASTED", 20)
    listed = [ImageSource("frame.png", data=b"\x89PNG" * 9), ImageSource("pasted.png", data=b"\x89PNG two")]
    last_session.save(listed, 1, None)
    found = last_session.load()
    assert [source.name for source in found.sources] == ["pasted.png"]
    assert found.missing == 1 and found.current == 0, "the one that was looked at is looked at again"
