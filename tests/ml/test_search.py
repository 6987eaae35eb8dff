"""Searches over real trainings of a tiny net: they find, prune, stop, go on, and leave their trials as runs."""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from desktop.app.recipes import by_steps
from desktop.cli import search as command_line
from desktop.cli import study as study_command
from desktop.core.types import FoveaError
from desktop.ml import search, trial
from desktop.ml.plans import plan as plans
from desktop.ml.plans.plan import PlanError, TrainingPlan
from desktop.ml.plans.plan_changes import with_settings
from desktop.ml.search import Choices, Halt, Range, SearchError
from desktop.report.parallel import TrialLine, as_page, as_png, curves_figure, parallel_figure
from desktop.store.runs import RunError, RunStore
from tests.cli.test_train import planned
from tests.cli.tools import ROOT, command, lines
from tests.ml.training.test_training import InsideEpoch
from tests.patience import patient

pytest.importorskip("optuna")


def tiny(pets: Path, epochs: int = 3) -> TrainingPlan:
    return planned(
        "--data", pets, "--architecture", "flatten,D8", "--size", "8", "--epochs", str(epochs), "--batch-size", "8",
        "--set", "augment=none", "optimizer.name=adam", "optimizer.weight_decay=0", "optimizer.clip_norm=none",
        "optimizer.schedule=constant", "fit.ema=0",
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_grid_is_searched_stopped_and_gone_on_with(pets: Path) -> None:
    space = [Choices("optimizer.rate", ("1e-7", "0.02")), Choices("fit.batch", ("8", "16"))]
    halt, told = Halt(), []

    def ended(trial: search.TrialResult) -> None:
        told.append(trial.number)
        halt.asked = len(told) == 1

    first = search.run_search("grid", tiny(pets), space, ended=ended, halt=halt, prune=False)
    assert [trial.state for trial in first.trials] == ["done"]
    result = search.run_search("grid", tiny(pets), space, ended=ended, prune=False)
    tried = {(t.settings["optimizer.rate"], t.settings["fit.batch"]) for t in result.trials}
    assert len(tried) == 4 == len(result.trials) and all(t.state == "done" for t in result.trials)
    best = result.best_trial
    assert best is not None and best.settings["optimizer.rate"] == "0.02" and best.value == best.val_accuracy
    records = {record.id: record for record in RunStore().list()}
    assert records.keys() == {t.run for t in result.trials}
    assert all(r.parent == "search grid" and r.epochs_done == 3 for r in records.values())
    assert search.load("grid") == result == search.read_kept("grid") and search.names() == ["grid"]
    again = search.run_search("grid", tiny(pets), space, prune=False)
    assert again == result  # nothing is left to try
    with pytest.raises(SearchError, match="other settings"):
        search.run_search("grid", tiny(pets), space[:1])


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_tpe_ends_poor_trials_early_and_failures_do_not_end_it(pets: Path) -> None:
    space = [Range("optimizer.rate", 1e-7, 0.05, log=True), Choices("fit.epochs", ("6",))]
    result = search.run_search("tpe", tiny(pets), space, trials=12, goal="val_loss")
    assert len(result.trials) == 12
    states = {trial.state for trial in result.trials}
    assert states == {"done", "pruned"} and all(t.epochs < 6 for t in result.trials if t.state == "pruned")
    assert result.best_trial is not None
    assert result.best_trial.value == min(t.val_loss for t in result.trials if t.val_loss is not None)
    broken = [Choices("optimizer.rate", ("0.01", "1e30"))]  # the second is no number any more after a step
    mixed = search.run_search("mixed", tiny(pets), broken, prune=False)
    failed = [trial for trial in mixed.trials if trial.state == "failed"]
    assert len(mixed.trials) == 2 and mixed.best is not None
    assert not failed or "number" in failed[0].message


def test_a_trial_without_a_figure_counts_as_failed_and_the_search_ends(
    pets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def no_number(*_: object) -> trial.Outcome:
        calls.append(1)
        assert len(calls) < 5, "the search does not end"
        return trial.Outcome(0.5, float("nan"), 3, 1.0, 36, True)

    monkeypatch.setattr(trial, "run_trial", no_number)
    space = [Choices("optimizer.rate", ("0.01", "0.02"))]
    result = search.run_search("empty", tiny(pets), space, trials=2, goal="val_loss", prune=False)
    assert [t.state for t in result.trials] == ["failed", "failed"] and result.best is None
    assert all("no number" in t.message for t in result.trials)


def never(trial: search.TrialResult) -> None:
    assert trial.number < 5, "the search does not end"


def test_settings_that_make_no_plan_together_fail_with_the_reason(pets: Path) -> None:
    space = [Choices("fit.class_weights", ("balanced",)), Choices("fit.sampling", ("over",))]
    base = with_settings(tiny(pets), {"fit.class_weights": "none"})
    result = search.run_search("both", base, space, trials=2, ended=never)
    assert [t.state for t in result.trials] == ["failed", "failed"] and result.best is None
    assert all("both balance the classes" in t.message for t in result.trials)
    assert search.run_search("both", base, space, trials=2, ended=never) == result  # nor are they tried again


def good(*_: object, **__: object) -> trial.Outcome:
    return trial.Outcome(0.5, 1.0, 3, 1.0, 36, True)


def test_a_run_that_cannot_be_made_ends_the_search_which_goes_on_later(
    pets: Path, fovea_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "run_trial", good)
    space = [Choices("optimizer.rate", ("0.01", "0.02"))]
    (fovea_home / "runs").write_bytes(b"no folder")
    told: list[search.TrialResult] = []
    with pytest.raises(RunError):
        search.run_search("disk", tiny(pets), space, ended=told.append)
    assert [t.state for t in told] == ["failed"] and "not saved" in told[0].message
    (fovea_home / "runs").unlink()
    result = search.run_search("disk", tiny(pets), space, ended=never)
    assert sorted(t.settings["optimizer.rate"] for t in result.trials if t.state == "done") == ["0.01", "0.02"]


def test_a_trial_s_plan_is_called_as_the_trial_and_stays_so(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the best of every search makes a model of the preset's id, and a checkpoint is another plan's."""
    seen: list[TrainingPlan] = []
    halt = Halt()

    def stopped_once(plan: TrainingPlan, *_: object) -> trial.Outcome:
        seen.append(plan)
        halt.asked = len(seen) == 1
        return good() if len(seen) > 1 else trial.Outcome(0.5, 1.0, 1, 1.0, 36, False)

    monkeypatch.setattr(trial, "run_trial", stopped_once)
    space = [Choices("optimizer.rate", ("0.01", "0.02"))]
    search.run_search("My pets", tiny(pets), space, halt=halt)
    result = search.run_search("My pets", tiny(pets), space, ended=never)
    assert [plan.id for plan in seen] == ["my-pets-0", "my-pets-0", "my-pets-2"] and seen[0] == seen[1]
    search.run_search("long" * 15, tiny(pets), space)
    assert len({plan.id for plan in seen[3:]}) == 2 and all(len(plan.id) < 60 for plan in seen)
    for run in {t.run for t in result.trials}:
        plan = plans.from_json(RunStore().plan_text(run))
        assert plan in seen and plan.name == RunStore().get(run).name


def rates(result: search.SearchResult) -> list[str]:
    return [t.settings["optimizer.rate"] for t in result.trials]


RATES = [Range("optimizer.rate", 1e-4, 1e-1, log=True)]


def test_a_search_that_goes_on_tries_other_points(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "run_trial", good)
    for wanted in (2, 4, 6):
        result = search.run_search("on", tiny(pets), RATES, wanted)
    assert len(set(rates(result))) == 6
    for wanted in (2, 4, 6):
        again = search.run_search("repeated", tiny(pets), RATES, wanted)
    assert rates(again) == rates(result)  # on one computer a search can be repeated
    assert rates(search.run_search("seed", with_settings(tiny(pets), {"seed": "9"}), RATES, 2)) != rates(again)[:2]


def test_computers_that_share_a_search_do_not_try_the_same(
    pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "run_trial", good)
    tried = []
    for host in ("one", "two"):
        monkeypatch.setattr(platform, "node", partial(str, host))
        # Each begins while the other has no trial yet.
        result = search.run_search("shared", tiny(pets), RATES, 3, f"sqlite:///{(tmp_path / host).as_posix()}.db")
        tried += rates(result)
    assert len(set(tried)) == 6


def test_a_search_goes_on_with_its_own_plan_and_pictures_alone(
    pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "run_trial", good)
    search.run_search("own", tiny(pets), RATES, 1)
    with pytest.raises(SearchError, match="another plan") as caught:
        search.run_search("own", tiny(pets, epochs=9), RATES, 2)
    assert "--name" in caught.value.hint
    shutil.copytree(pets, tmp_path / "moved" / "pets")
    moved = tiny(tmp_path / "moved" / "pets")
    assert len(search.run_search("own", moved, RATES, 2).trials) == 2
    Image.new("RGB", (8, 8), "green").save(tmp_path / "moved" / "pets" / "red" / "00.png")
    with pytest.raises(SearchError, match="other pictures") as caught:
        search.run_search("own", moved, RATES, 3)
    assert "--name" in caught.value.hint and len(search.load("own").trials) == 2
    shutil.rmtree(tmp_path / "moved")
    with pytest.raises(FoveaError):
        search.run_search("gone", moved, RATES, 3)
    assert search.load("gone").trials == ()  # there was nothing to try


@pytest.mark.slow
def test_a_search_of_an_earlier_version_goes_on_as_it_is(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import optuna

    monkeypatch.setattr(trial, "run_trial", good)
    search.run_search("old", tiny(pets), RATES, 1)
    url = search._storage("old", None)
    storage = optuna.load_study(study_name="old", storage=url)._storage
    storage.delete_study(storage.get_study_id_from_name("old"))
    study = optuna.create_study(study_name="old", storage=url, direction="maximize")
    study.set_user_attr("goal", "val_accuracy")
    study.set_user_attr("space", json.loads(json.dumps([asdict(dimension) for dimension in RATES])))
    for epochs in (3, 9):
        result = search.run_search("old", tiny(pets, epochs), RATES, epochs)
    assert len(result.trials) == 9 and set(study.user_attrs) == {"goal", "space"}


def test_stopping_while_the_pictures_are_read_begins_no_trial(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "run_trial", good)
    halt = Halt()
    halt.asked = True
    assert search.run_search("early", tiny(pets), RATES, 2, halt=halt).trials == ()
    assert len(search.run_search("early", tiny(pets), RATES, 2).trials) == 2


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("of /home/somebody"), "it failed (ValueError)"),
        (FileNotFoundError(2, "No such file", "/home/somebody"), "it failed (FileNotFoundError: no such file)"),
        (MemoryError(), "it failed (MemoryError)"),
    ],
)
def test_whatever_a_training_raises_the_trial_has_failed_and_the_search_goes_on(
    pets: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, message: str
) -> None:
    def breaks(plan: TrainingPlan, *_: object) -> trial.Outcome:
        if plan.fit.batch == 8:
            raise error
        return good()

    monkeypatch.setattr(trial, "run_trial", breaks)
    space = [Choices("fit.batch", ("8", "16"))]
    result = search.run_search("broken", tiny(pets), space, ended=never)
    assert {t.settings["fit.batch"]: (t.state, t.message) for t in result.trials} == {
        "8": ("failed", message), "16": ("done", ""),
    }  # fmt: skip
    assert search.run_search("broken", tiny(pets), space, ended=never) == result  # nor is it tried again


DIES = """
import os, sys, types
from desktop.store.runs import RunStore
fake = types.ModuleType("desktop.ml.trial")
def run_trial(plan, run, *_):
    RunStore().update(run.name, state="running")
    os._exit(9)
fake.run_trial = run_trial
sys.modules["desktop.ml.trial"] = fake
from desktop.cli import search
search.main(sys.argv[1:])
"""


@pytest.mark.slow
def test_a_trial_that_takes_the_program_down_twice_is_given_up(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["--data", str(pets), "--architecture", "flatten,D8", "--size", "8", "--name", "deadly", "--grid",
                 "--vary", "optimizer.rate=0.01|0.02"]  # fmt: skip
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", DIES, *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=patient(100),
            check=False,
        )
        assert done.returncode == 9, done.stderr
    monkeypatch.setattr(trial, "run_trial", good)
    assert command_line.main(arguments) == 0
    result = search.load("deadly")
    given_up = [t for t in result.trials if "2 times" in t.message]
    assert [t.state for t in given_up] == ["failed"] and len({t.run for t in result.trials}) == 2
    assert [t.settings for t in result.trials if t.state == "done"] != [given_up[0].settings]
    assert sorted(t.state for t in result.trials) == ["done", "failed", "failed"]


def test_what_was_found_is_told_before_the_test_split_is_opened(
    pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--data", str(pets), "--architecture", "flatten,D8", "--size", "8", "--grid", "--vary", "fit.batch=8",
                 "--test", "--csv", str(tmp_path / "t.csv"), "--name"]  # fmt: skip
    monkeypatch.setattr(trial, "run_trial", good)
    assert command_line.main([*arguments, "none"]) == 1
    told = capsys.readouterr().out
    assert "no figure on the test split: this data has none" in told and "best val_accuracy" in told
    assert "train --resume" in told and (tmp_path / "t.csv").is_file()

    def removed(plan: TrainingPlan, run: Path, *_: object) -> trial.Outcome:
        shutil.rmtree(run)
        return good()

    (tmp_path / "t.csv").unlink()
    monkeypatch.setattr(trial, "run_trial", removed)
    assert command_line.main([*arguments, "elsewhere"]) == 1
    told = capsys.readouterr().out
    assert told.index("best val_accuracy") < told.index("is not on this computer") and "train --resume" not in told
    assert (tmp_path / "t.csv").is_file()
    assert command_line.main([*arguments, "elsewhere", "--json"]) == 1
    last = lines(capsys.readouterr().out)[-1]
    assert last["event"] == "result" and "not on this computer" in last["test"]["message"]

    def tested(*_: object, open_test: bool = False, **__: object) -> trial.Outcome:
        return replace(good(), test_accuracy=0.75, test_n=8) if open_test else good()

    monkeypatch.setattr(trial, "run_trial", tested)
    assert command_line.main([*arguments, "there"]) == 0
    assert "accuracy on the test split not known: 6 of 8: too few for a figure" in capsys.readouterr().out


@pytest.mark.timeout(240)
@pytest.mark.slow
def test_features_of_a_trial_stay_only_where_it_is_to_be_taken_up(pets: Path, tmp_path: Path) -> None:
    plan = by_steps(planned("--data", pets, "--from", "cifar10", "--how", "features"))
    plan = replace(plan, fit=replace(plan.fit, epochs=2, batch=8))
    stop = InsideEpoch(1, 1)
    run = tmp_path / "run"
    assert not trial.run_trial(plan, run, stop, stop).complete
    assert (run / "features" / "train.npy").is_file()
    assert trial.run_trial(plan, run).complete and not (run / "features").exists()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_a_killed_search_goes_on_from_the_checkpoint_of_its_trial(pets: Path) -> None:
    arguments = ["search", "--data", pets, "--architecture", "flatten,D8", "--size", "8", "--epochs", "400", "--name",
                 "cut", "--grid", "--vary", "optimizer.rate=0.01", "--json"]  # fmt: skip
    with subprocess.Popen(command(*arguments), cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            told = json.loads(line)
            if told["event"] == "epoch-done" and told["epoch"] >= 3:
                break
        process.kill()
    (record,) = RunStore().interrupted()
    with subprocess.Popen(command(*arguments), cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            told = json.loads(line)
            if told["event"] == "epoch-done":
                break
        process.send_signal(signal.SIGINT)
        rest = lines(process.stdout.read())
        assert process.wait() == 130
    assert told["epoch"] >= record.epochs_done >= 4 and rest[-1]["event"] == "result"
    assert [run.id for run in RunStore().list()] == [record.id]


# What needs no training


@pytest.mark.parametrize(
    ("vary", "ranges", "word"),
    [
        (["optimizer.rate"], [], "names no values"),
        (["=1|2"], [], "names no values"),
        ([], ["optimizer.rate=1"], "no range"),
        ([], ["optimizer.rate=a..b"], "no range"),
        ([], ["optimizer.rate=1..2:cubic"], "no range"),
        (["seed=1|2", "seed=3"], [], "twice"),
    ],
)
def test_a_space_that_cannot_be_read_is_said(vary: list[str], ranges: list[str], word: str) -> None:
    options = command_line._parser().parse_args(
        [*(a for v in vary for a in ("--vary", v)), *(a for r in ranges for a in ("--range", r))]
    )
    with pytest.raises(SearchError) as caught:
        command_line.space_of(options)
    assert word in caught.value.message and caught.value.hint


def test_a_space_is_read() -> None:
    options = command_line._parser().parse_args(
        ["--vary", "architecture.layers=flatten,D8|flatten,D9", "--range", "optimizer.rate=1e-4..0.1:log",
         "--range", "fit.batch=8..64:int"]
    )  # fmt: skip
    assert command_line.space_of(options) == [
        Choices("architecture.layers", ('["flatten", "D8"]', '["flatten", "D9"]')),
        Range("optimizer.rate", 1e-4, 0.1, True),
        Range("fit.batch", 8, 64, False, True),
    ]


@pytest.mark.parametrize(
    ("space", "trials", "word"),
    [
        ([Choices("fit.epochz", ("1",))], None, "fit.epochz"),
        ([Choices("fit.epochs", ("0",))], None, "epochs"),
        ([Range("optimizer.rate", 0.1, 0.01)], 3, "range"),
        ([Range("optimizer.rate", 0, 0.01, log=True)], 3, "range"),
        ([Range("optimizer.rate", 0.1, 0.2)], None, "grid"),
        ([], 3, "nothing to try"),
        ([Choices("seed", ("1",))], 0, "nothing to try"),
    ],
)
def test_what_cannot_be_searched_is_refused_before_the_first_trial(
    pets: Path, space: list[search.Dimension], trials: int | None, word: str
) -> None:
    with pytest.raises((SearchError, PlanError)) as caught:
        search.run_search("bad", tiny(pets), space, trials)
    assert word in caught.value.message
    assert RunStore().list() == [] and search.names() == []


def test_a_value_that_goes_with_other_varied_ones_alone_is_taken(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "run_trial", good)
    base = with_settings(tiny(pets), {"optimizer.name": "sgd", "optimizer.momentum": "0", "fit.epochs": "3"})
    momentum = Choices("optimizer.momentum", ("0.0", "0.9"))
    nesterov = Choices("optimizer.nesterov", ("true",))
    result = search.run_search("together", base, [momentum, nesterov], None)
    assert sorted((t.settings["optimizer.momentum"], t.state) for t in result.trials) == [
        ("0.0", "failed"), ("0.9", "done"),
    ]  # fmt: skip
    with pytest.raises(PlanError, match="nesterov"):
        search.run_search("alone", base, [nesterov, Choices("fit.epochs", ("1", "2"))], None)


def test_names_and_usage(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("../x", "", "a/b"):
        with pytest.raises(SearchError):
            search.load(name)
    assert command_line.main(["--show", "nope"]) == 1
    assert "no search 'nope'" in capsys.readouterr().err
    assert command_line.main(["--list"]) == 0
    assert "fovea search --help" in capsys.readouterr().out
    for wrong in (["--grid"], ["--name", "a"], ["--name", "a", "--grid", "--trials", "3"], ["--name", "a", "--grid"]):
        with pytest.raises(SystemExit) as caught:
            command_line.main(wrong)
        assert caught.value.code == 2
    with pytest.raises(SearchError):
        study_command._sizes("many")


def test_parallel_coordinates_and_curves_are_drawn() -> None:
    trials = [TrialLine(("adam", "0.001"), 0.9), TrialLine(("sgd", "0.1"), 0.4), TrialLine(("sgd", "0.01"), None)]
    figure = parallel_figure("a <search>", ["optimizer", "rate"], trials, "val_accuracy", True)
    axes = figure.axes[0]
    drawn = [line for line in axes.lines if len(line.get_xdata()) > 2 or line.get_linewidth() == 0.8]
    assert max(line.get_linewidth() for line in axes.lines) == 2.6 and len(drawn) >= 3
    texts = {text.get_text().strip() for text in axes.texts}
    assert {"adam", "sgd", "0.001", "0.1", "0.01", "0.9", "0.4"} <= texts
    assert as_png(figure).startswith(b"\x89PNG")
    page = as_page("a <search>", "words & more", figure, ["x"], [["<b>"]])
    assert "a &lt;search&gt;" in page and "&lt;b&gt;" in page and page.count("<svg") == 1 and "http-equiv" not in page
    empty = parallel_figure("none", [], [], "val_loss", False)
    assert as_png(empty).startswith(b"\x89PNG")
    curves = curves_figure("s", [("net", [(100, 0.5, 0.4, 0.6), (300, 0.7, 0.6, 0.8)])])
    assert [label.get_text() for label in curves.axes[0].get_xticklabels()] == ["100", "300"]
