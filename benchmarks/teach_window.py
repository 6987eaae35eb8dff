"""Labelling under the stopwatch in the real window: the part *key* of ``python -m benchmarks.teach``."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import photo_folder, processor_seconds


def key(options: Any, place: Path) -> tuple[dict[str, Any], list[tuple[str, bool]]]:
    """From a key that labels to the next picture: its cell painted as the chosen one, and it painted large beside the
    gallery. The window is the whole one, offscreen; between two keys it comes to rest, as with somebody who looks."""
    files = photo_folder(place / "photos", 300, 300)
    with tempfile.TemporaryDirectory(prefix="fovea-home-") as home:
        before = os.environ.get("FOVEA_HOME")
        os.environ["FOVEA_HOME"] = home
        try:
            cells, larges, works = _pressed(files, options.labels)
        finally:
            if before is None:
                del os.environ["FOVEA_HOME"]
            else:
                os.environ["FOVEA_HOME"] = before
    found = {
        "keys": len(cells),
        "cell_ms": [round(statistics.median(cells), 1), round(float(np.quantile(cells, 0.95)), 1)],
        "large_ms": [round(statistics.median(larges), 1), round(float(np.quantile(larges, 0.95)), 1)],
        "window_processor_ms": round(statistics.median(works), 1),
    }
    return found, [
        (f"a key to the next picture painted {what}, median {value:.0f} ms of at most 50 ms", value <= 50)
        for what, value in (("in the gallery", statistics.median(cells)), ("large", statistics.median(larges)))
    ]


def _pressed(files: list[str], keys: int) -> tuple[list[float], list[float], list[float]]:
    from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt
    from PySide6.QtTest import QTest

    from desktop.app.teaching import add_pictures
    from desktop.store.projects import ProjectStore
    from desktop.ui.capture.capture import staged, wait_for

    with ProjectStore().create("keys") as project:
        for name in ("a", "b"):
            project.add_class(name)
        add_pictures(project, files)
    painted: dict[str, float] = {}

    class Paints(QObject):
        def __init__(self, name: str) -> None:
            super().__init__()
            self._name = name

        def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
            if event.type() == QEvent.Type.Paint:
                painted[self._name] = time.perf_counter()
            return False

    cells: list[float] = []
    larges: list[float] = []
    works: list[float] = []
    with staged((1280, 800), "light") as shell:
        shell.window.show_view("teach")
        view: Any = shell.window.later("teach")
        wait_for(lambda: not view.disk.busy, 120, "the projects")
        looked: list[Any] = []
        view.teaching.looked.connect(looked.append)
        view.open_project("keys")
        wait_for(lambda: bool(looked) and looked[-1].done >= len(files), 600, "the pictures")
        gallery, side = view.pictures.view, view.side
        gallery.setFocus()
        wait_for(lambda: side.image[0] is not None, 120, "the picture")
        watchers = [Paints("cell"), Paints("large")]
        gallery.viewport().installEventFilter(watchers[0])
        side.picture.installEventFilter(watchers[1])
        for number in range(keys):
            current, shown = gallery.current_id, [False]
            ahead = [gallery.pictures.id_at(row) for row in range(gallery.currentIndex().row(), number + 3)]
            wait_for(lambda ids=ahead: not gallery.pictures.awaited(ids), 60, "small pictures")  # type: ignore[misc]

            def on_shown(seen: list[bool] = shown) -> None:
                seen[0] = True

            side.shown.connect(on_shown)
            painted.clear()
            worked, begin = processor_seconds(os.getpid(), alone=True), time.perf_counter()
            QTest.keyClick(gallery, Qt.Key.Key_2 if number % 2 else Qt.Key.Key_1)
            moved = 0.0
            while not (moved and painted.get("cell", 0) > moved and shown[0] and painted.get("large", 0) > moved):
                QCoreApplication.processEvents()
                if not moved and gallery.current_id != current:
                    moved = time.perf_counter()
                    painted.clear()
                if moved and "cell" in painted and len(cells) == number:
                    cells.append(1000 * (painted["cell"] - begin))
                if time.perf_counter() - begin > 60:
                    raise TimeoutError
            larges.append(1000 * (painted["large"] - begin))
            works.append(1000 * (processor_seconds(os.getpid(), alone=True) - worked))
            side.shown.disconnect(on_shown)
            wait_for(lambda: not view.teaching.writing, 60, "the disk")
    return cells, larges, works
