"""The window with something in it, one stage after the other: what the tests of layouts and of screen readers look at.

A stage is a function that fills the window and yields what is to be looked at, each with a name: the window itself, or
a dialog above it. Answers, evaluations and suggestions are real; trainings are those of :mod:`tests.engine.obedient`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QWidget

from desktop.ui.shell.app import Shell
from tests.core.figures.makers import shades
from tests.patience import WAIT
from tests.studies import write_series

LONG = 120_000
Shown = tuple[str, QWidget]
Stage = Callable[[Shell, Any, Path], Iterator[Shown]]


def classify(shell: Shell, qtbot: Any, folder: Path) -> Iterator[Shown]:
    """Answers to a folder: list, bars, table; where the network looked; the dialogs."""
    from desktop.ui.classify.header_dialog import HeaderDialog
    from desktop.ui.classify.sort_dialog import SortDialog
    from desktop.ui.classify.sort_log import SortLog
    from desktop.ui.widgets.corrections_list import CorrectionsList
    from desktop.ui.widgets.this_is_a import ThisIsA

    shades(folder / "shades", 2)
    view = shell.window.classify
    view.choose_model("colours")
    shell.window.open_paths([str(folder / "shades")])
    qtbot.waitUntil(lambda: bool(view.session.items) and not view.opener.busy, timeout=WAIT)
    qtbot.waitUntil(lambda: view.job.done == len(view.session.items) and not view.job.running, timeout=WAIT)
    view.session.set_current(view.session.items[0])
    qtbot.waitUntil(lambda: view.session.prediction is not None, timeout=WAIT)
    yield "answers", shell.window
    view.choose_model("xray")
    qtbot.waitUntil(lambda: view.job.done == len(view.session.items) and not view.job.running, timeout=WAIT)
    qtbot.waitUntil(lambda: view.session.prediction is not None, timeout=WAIT)
    yield "medical", shell.window
    view.explainer.show(True)
    qtbot.waitUntil(lambda: not view.explainer.waiting, timeout=WAIT)
    yield "why", shell.window
    view.explainer.show(False)
    yield from _dialogs(shell, qtbot, lambda: view.doing.sort([]), SortDialog)
    yield from _dialogs(shell, qtbot, view.doing.show_sorted, SortLog)
    yield from _dialogs(shell, qtbot, view.doing.correcting.show_list, CorrectionsList)
    source = view.session.items[0].source
    yield from _dialogs(shell, qtbot, lambda: view.doing.correcting.ask([source], ["red", "green"]), ThisIsA)
    files = write_series(folder / "ct", 3)
    before = len(view.session.items)
    shell.window.open_paths([str(files[0].parent)])
    qtbot.waitUntil(lambda: len(view.session.items) != before and not view.opener.busy, timeout=WAIT)
    view.session.set_current(next(item for item in view.session.items if item.stack is not None))
    qtbot.waitUntil(lambda: view.session.preview is not None, timeout=WAIT)
    yield "series", shell.window
    yield from _dialogs(shell, qtbot, view.picture._show_header, HeaderDialog)


def evaluate(shell: Shell, qtbot: Any, folder: Path) -> Iterator[Shown]:
    """A result: each tab, and the dialogs."""
    from desktop.ui.evaluate.large import LargePicture
    from desktop.ui.evaluate.mapping import MappingDialog

    shell.window.host.show_evaluate()
    view = shell.window.evaluate
    view.choose_model("colours")
    view.open_path(str(shades(folder / "shades")))
    qtbot.waitUntil(lambda: not view.choosing.opener.busy, timeout=WAIT)
    yield "data", shell.window
    view.begin()
    qtbot.waitUntil(lambda: view.state.result is not None, timeout=WAIT)
    for tab in ("pictures", "curves", "calibration", "classes", "compare", "here", "report", "data"):
        view.results.open_tab(tab)
        yield tab, shell.window
    view.results.open_tab("pictures")
    yield from _dialogs(shell, qtbot, lambda: view.results.gallery.opened.emit(0), LargePicture)
    mapping = MappingDialog(["rot", "a class with a long name"], ["red", "green", "blue"], {}, view)
    yield from _dialogs(shell, qtbot, mapping.open, MappingDialog)


def train(shell: Shell, qtbot: Any, folder: Path) -> Iterator[Shown]:
    """A training that runs, one that has ended, a search; the dialogs."""
    from desktop.ml.plans.search_results import SearchResult, TrialResult
    from desktop.ml.plans.search_results import folder as searches
    from desktop.store.runs import RunStore
    from desktop.ui.train.plan_dialog import PlanDialog
    from desktop.ui.train.search_dialog import SearchDialog
    from tests.engine.jobs import plan, run_with

    shell.window.show_view("train")
    view: Any = shell.window.later("train")
    store = RunStore()
    run = run_with(store, "slow", "epochs 40", name="Petals and leaves of the garden, second attempt")
    view.take_up(store.get(run.name))
    job = view.service.job(run.name)
    qtbot.waitUntil(lambda: job.epochs_done >= 2, timeout=WAIT)
    yield "live", shell.window
    view.jobs.page.cancel.click()
    yield "question", view.question
    view.question.keep_button.click()
    qtbot.waitUntil(lambda: not view.service.running and not view.service.disk_work.busy, timeout=WAIT)
    yield "ended", shell.window
    trials = tuple(
        TrialResult(number, state, {"optimizer.rate": "0.0123", "fit.batch": "16"}, value, value, 0.4, 3, 9.0, run.name)
        for number, state, value in ((0, "done", 0.7), (1, "pruned", 0.95))
    )
    searches().mkdir(parents=True, exist_ok=True)
    (searches() / "pets.json").write_text(json.dumps(SearchResult("pets", "val_accuracy", trials, 1).to_dict()))
    view.show_runs()
    qtbot.waitUntil(lambda: not view.service.disk_work.busy and bool(view.runs.runs), timeout=WAIT)
    view.runs.choose([view.runs.runs[0].id])
    qtbot.waitUntil(lambda: not view.service.disk_work.busy, timeout=WAIT)
    yield "runs", shell.window
    view.tabs.setCurrentWidget(view.searches)
    view.searches.refresh()
    qtbot.waitUntil(lambda: bool(view.searches.found), timeout=WAIT)
    yield "searches", shell.window
    yield from _dialogs(shell, qtbot, SearchDialog([("A run", plan())], [], view).open, SearchDialog)
    yield from _dialogs(shell, qtbot, PlanDialog(plan(), "A run", view).open, PlanDialog)


def wizard(shell: Shell, qtbot: Any, folder: Path) -> Iterator[Shown]:
    """Every page of the wizard."""
    from desktop.ui.train.wizard.wizard import TrainingWizard
    from tests.ui.train.wizard.kit import draw

    draw(folder / "fruits" / "apples", (200, 30, 20), 8)
    draw(folder / "fruits" / "limes", (20, 200, 40), 6)
    (folder / "fruits" / "limes" / "broken.png").write_bytes(b"\x89PNG no more")
    shown = TrainingWizard(shell.catalog, shell.settings, shell.engine, shell.window)
    shown.show()
    try:
        yield "1", shown
        shown.open_path(str(folder / "fruits"))
        qtbot.waitUntil(lambda: shown.currentPage() is shown.findings, timeout=LONG)
        qtbot.waitUntil(lambda: not shown.findings.inspector.running, timeout=LONG)
        yield "2", shown
        for page in range(3, 9):
            shown.next()
            assert shown.currentId() == page - 1
            qtbot.waitUntil(shown.currentPage().settled, timeout=LONG)
            yield str(page), shown
    finally:
        shown.reject()
        shown.findings.inspector.wait()


def teach(shell: Shell, qtbot: Any, folder: Path) -> Iterator[Shown]:
    """A project with labels and suggestions, and its dialogs."""
    from desktop.ui.teach.copies import CopiesDialog
    from desktop.ui.teach.heaps import HeapsDialog
    from desktop.ui.teach.large import LargeTaught
    from desktop.ui.teach.making import MakingDialog
    from tests.ui.teach.test_view import add_class, begin, pictures

    shell.window.show_view("teach")
    view: Any = shell.window.later("teach")
    qtbot.waitUntil(lambda: not view.disk.busy, timeout=LONG)
    yield "start", shell.window
    begin(view, qtbot, pictures(folder / "unsorted"))
    for name in ("discs of all kinds", "stripes"):
        add_class(view, qtbot, name)
    ids = [view.pictures.model.id_at(row) for row in range(6)]
    for place, picture in enumerate(ids):
        view.teaching.label([picture], view.teaching.classes[place % 2].id)
    qtbot.waitUntil(lambda: sum(c.count for c in view.teaching.classes) == 6, timeout=LONG)
    qtbot.waitUntil(
        lambda: view.teaching.suggestions is not None and len(view.teaching.suggestions.learned.labelled) == 6,
        timeout=LONG,
    )
    yield "labelled", shell.window
    view.pictures.choose("suggested")
    qtbot.waitUntil(lambda: not view.pictures.waiting, timeout=LONG)
    yield "suggested", shell.window
    yield from _dialogs(shell, qtbot, view.show_heaps, HeapsDialog)
    yield from _dialogs(shell, qtbot, view.show_copies, CopiesDialog)
    yield from _dialogs(shell, qtbot, view.make_model, MakingDialog)
    yield from _dialogs(shell, qtbot, lambda: view.look_large(ids[0]), LargeTaught)


def models(shell: Shell, qtbot: Any, folder: Path) -> Iterator[Shown]:
    """A model with its details, a network to install; the dialogs."""
    from desktop.ml.exchange.foreign import FoundInFile
    from desktop.store import catalogue
    from desktop.ui.models.dialogs import ExportDialog, ImportDialog, InstallDialog

    shell.window.show_view("models")
    view: Any = shell.window.later("models")
    qtbot.waitUntil(lambda: view.settled and bool(view.list.cards), timeout=WAIT)
    view.list.choose("xray")
    for tab in ("card", "curves", "evaluation", "layers", "files"):
        view.detail.open_tab(tab)
        qtbot.waitUntil(lambda: view.settled, timeout=WAIT)
        yield tab, shell.window
    view.list.choose("vgg16-imagenet-base")
    qtbot.waitUntil(lambda: view.settled, timeout=WAIT)
    yield "network", shell.window
    network = catalogue.load().get("vgg16")
    yield from _dialogs(shell, qtbot, InstallDialog(network, 5_000_000, "", view).open, InstallDialog)
    yield from _dialogs(shell, qtbot, ExportDialog("Colours", True, "", view).open, ExportDialog)
    found = FoundInFile("keras", None, None, 3, 1000, None, 10)
    yield from _dialogs(shell, qtbot, ImportDialog("net.keras", found, (("a", "b"), ()), "", view).open, ImportDialog)


def draw(shell: Shell, qtbot: Any, folder: Path) -> Iterator[Shown]:
    """A drawing, kept; both sides of the view."""
    from tests.ui.draw.test_view import written

    shell.window.show_view("draw")
    view: Any = shell.window.later("draw")
    yield "empty", shell.window
    view.canvas.set_drawing(written("25"), None)
    qtbot.wait(1)
    yield "drawn", shell.window


def program(shell: Shell, qtbot: Any, folder: Path) -> Iterator[Shown]:
    """What belongs to no view: settings, help, about, keys, licences, updates, a card, a message above the view."""
    from desktop.ui.dialogs.shortcuts import ShortcutsDialog

    from desktop.ui.dialogs.about import AboutDialog
    from desktop.ui.dialogs.crash_report import CrashReportDialog
    from desktop.ui.dialogs.licences import LicencesDialog
    from desktop.ui.dialogs.model_card import ModelCardDialog
    from desktop.ui.dialogs.updates import UpdatesDialog
    from desktop.ui.shell.settings_dialog import SettingsDialog

    window = shell.window
    shown: list[tuple[Callable[[], Any], type[QWidget]]] = [
        (window.show_settings, SettingsDialog),
        (window.show_about, AboutDialog),
        (window.show_keys, ShortcutsDialog),
        (window.show_updates, UpdatesDialog),
        (window.show_licences, LicencesDialog),
        (lambda: window.show_card("xray"), ModelCardDialog),
    ]
    for show, kind in shown:
        yield from _dialogs(shell, qtbot, show, kind)
    report = folder / "report.json"
    report.write_text("{}", encoding="utf-8")
    yield from _dialogs(shell, qtbot, CrashReportDialog([report], window).open, CrashReportDialog)
    window.show_help()
    qtbot.waitUntil(lambda: window.help_window.ready, timeout=WAIT)
    yield "help", window.help_window
    window.help_window.close()
    window.messages.say("A message that says at some length what has happened and what can be done about it.")
    yield "message", window


STAGES: dict[str, Stage] = {
    "classify": classify, "evaluate": evaluate, "train": train, "wizard": wizard, "teach": teach, "models": models,
    "draw": draw, "program": program,
}  # fmt: skip


def _dialogs(shell: Shell, qtbot: Any, show: Callable[[], Any], kind: type[QWidget]) -> Iterator[Shown]:
    """What ``show`` opens, of the class ``kind``; closed when it was looked at."""
    from PySide6.QtWidgets import QApplication

    show()

    def found() -> QWidget | None:
        held = [widget for widget in QApplication.allWidgets() if isinstance(widget, kind) and widget.isVisible()]
        return held[-1] if held else None

    qtbot.waitUntil(lambda: found() is not None, timeout=WAIT)
    dialog = found()
    assert dialog is not None
    yield kind.__name__, dialog
    dialog.close()
