"""``fovea train`` and ``fovea runs`` as a user calls them: what becomes of the options, and of Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from desktop.app import starting
from desktop.cli import runs as runs_command
from desktop.cli import train, train_plan
from desktop.core.types import FoveaError
from desktop.ml.plans import plan as plans
from desktop.store.runs import HISTORY, RunStore
from tests.cli.tools import ROOT, command, fovea, lines
from tests.pets import paint_pets


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    return paint_pets(tmp_path, 12)


def planned(*arguments: str | Path) -> plans.TrainingPlan:
    return train_plan.plan_of(train._parser().parse_args(list(map(str, arguments))))[0]


def test_a_folder_alone_gives_a_head_on_the_everyday_network(pets: Path) -> None:
    plan = planned("--data", pets, "--name", "Blue or red?")
    assert (plan.id, plan.name, plan.preset) == ("blue-or-red", "Blue or red?", "")
    assert (plan.start.kind, plan.start.model, plan.start.layer) == ("features", "efficientnet-lite0", "stages")
    assert plan.optimizer.name == plans.SOLVED and plan.data.folds == 5
    own = planned("--data", pets, "--size", "40")
    assert (own.preset, own.shape, own.start.kind) == ("fovea-small-residual", (40, 40, 3), "fresh")
    assert plan.labels == plan.data.classes == ("blue", "red")
    assert (plan.data.source, plan.data.title, plan.data.path) == ("user", "pets", str(pets))
    assert plan.data.group == "auto" and plan.public().data.path is None


def test_every_option_ends_in_the_plan(pets: Path) -> None:
    plan = planned(
        "--data", pets, "--preset", "cifar-deep", "--size", "40", "--colour", "grey", "--split", "0.3:person",
        "--epochs", "7", "--batch-size", "9", "--seed", "5", "--set", "optimizer.rate=0.02", "fit.patience=3",
        "--set", "augment.affine.rotate=15",
    )  # fmt: skip
    assert plan.shape == (40, 40, 1) and (plan.fit.epochs, plan.fit.batch, plan.seed) == (7, 9, 5)
    assert (plan.data.validation, plan.data.group) == (0.3, "person")
    assert plan.optimizer.rate == 0.02 and plan.fit.patience == 3 and plan.augment[-1].settings["rotate"] == 15


def test_near_copies_stay_on_one_side_unless_told_otherwise(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the wizard does for its plans: pictures saved again at another quality must not test what they taught."""
    random = np.random.default_rng(1)
    for name in ("cats", "dogs"):
        folder = tmp_path / "data" / name
        folder.mkdir(parents=True)
        for number in range(5):
            coarse = Image.fromarray(random.integers(0, 256, (6, 6, 3), np.uint8))
            picture = coarse.resize((64, 64), Image.Resampling.BICUBIC)
            picture.save(folder / f"{number}.png")
            if number == 2:
                picture.save(folder / "again.jpg", quality=70)
    plan_file = tmp_path / "plan.json"
    arguments = ["--data", str(tmp_path / "data"), "--save-plan", str(plan_file)]
    assert train.main(arguments) == 0
    assert "2 groups of nearly the same pictures" in capsys.readouterr().err
    groups = {frozenset(group) for group in plans.load(plan_file).data.kept_together}
    assert groups == {frozenset({f"{name}/2.png", f"{name}/again.jpg"}) for name in ("cats", "dogs")}
    assert train.main([*arguments, "--exact"]) == 0
    assert not plans.load(plan_file).data.kept_together


def test_a_new_training_takes_no_other_model_s_place(pets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Names that share an id: of a bundled model, of a training that has not ended, without a Latin letter."""
    plan = planned("--data", pets, "--name", "cifar10")
    options = train._parser().parse_args([])
    kept, _ = train._started(plan, options)
    assert kept.id == "cifar10-2" and "'cifar10'" in capsys.readouterr().err
    first = planned("--data", pets, "--name", "猫と犬")
    assert starting.with_free_id(first) == first and first.id == "model"
    RunStore().create(first, first.name)
    assert starting.with_free_id(planned("--data", pets, "--name", "Кошки")).id == "model-2"


def test_a_public_set_by_its_name_and_layers_as_text() -> None:
    plan = planned("--data", "mnist", "--architecture", "C8k3s,P2,flatten,D16", "--size", "28", "--colour", "grey")
    assert plan.data.source == "mnist" and plan.labels == tuple("0123456789")
    assert plan.architecture.settings["layers"] == ["C8k3s", "P2", "flatten", "D16"]
    assert planned("--preset", "mnist-cnn").data.source == "mnist"


def test_a_plan_file_runs_unchanged_and_takes_other_pictures(pets: Path, tmp_path: Path) -> None:
    held = planned("--data", pets, "--architecture", "flatten,D8", "--size", "16", "--epochs", "2")
    path = tmp_path / "plan.json"
    path.write_text(held.to_json(), encoding="utf-8")
    assert planned("--plan", path) == held
    (pets / "green").mkdir()
    Image.new("RGB", (9, 9)).save(pets / "green" / "a.png")
    other = planned("--plan", path, "--data", pets)
    assert other.labels == ("blue", "green", "red") and other.decision.rule == "argmax"
    assert other.architecture == held.architecture
    sets = tmp_path / "sets"
    sets.mkdir()
    (sets / "mnist.npz").write_bytes(b"")
    recipe = ROOT / "resources" / "recipes" / "mnist-digits.json"
    options = train._parser().parse_args(["--plan", str(recipe), "--data", str(sets)])
    assert train_plan.plan_of(options) == (plans.load(recipe), sets)


def test_a_plan_file_keeps_its_grouping_limit_and_test_for_other_pictures(pets: Path, tmp_path: Path) -> None:
    chosen = ("--set", "data.limit=20", "data.use_test=no", "--split", "0.3:none")
    held = planned("--data", pets, "--architecture", "flatten,D8", "--size", "16", *chosen)
    path = tmp_path / "plan.json"
    path.write_text(held.to_json(), encoding="utf-8")

    def told(data: plans.DataPlan) -> tuple[object, ...]:
        return data.validation, data.group, data.limit, data.use_test

    assert told(planned("--plan", path, "--data", pets).data) == (0.3, "none", 20, False)
    (pets / "green").mkdir()
    Image.new("RGB", (9, 9)).save(pets / "green" / "a.png")
    assert told(planned("--plan", path, "--data", pets).data) == (0.3, "none", 20, False)
    recipe = ROOT / "resources" / "recipes" / "mnist-digits.json"
    public = plans.load(recipe)
    assert public.data.group == "none" and planned("--plan", recipe, "--data", pets).data.group == "auto"


@pytest.mark.parametrize("how", ["continue", "features", "fine-tune"])
def test_a_model_of_the_store_to_begin_with(pets: Path, how: str) -> None:
    """Its input stays what the model takes: sizes of one's own are refused."""
    plan = planned("--data", pets, "--from", "cifar10", "--how", how)
    kind = {"continue": "weights"}.get(how, how)
    assert (plan.start.kind, plan.start.model, plan.shape) == (kind, "cifar10", (32, 32, 3))
    assert plans.from_json(plan.to_json()) == plan
    with pytest.raises(FoveaError, match="prepared as 'cifar10' takes them"):
        planned("--data", pets, "--from", "cifar10", "--how", how, "--size", "64")


def test_a_network_installed_to_build_upon_can_be_begun_from(pets: Path) -> None:
    from desktop.store import catalogue

    with pytest.raises(FoveaError, match="not installed") as caught:
        planned("--data", pets, "--from", "vgg16-base", "--how", "features")
    assert "fovea models install vgg16-imagenet-base" in caught.value.hint
    weights = catalogue.base_weights(catalogue.load().get("vgg16-base"))
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"")
    plan = planned("--data", pets, "--from", "vgg16-base", "--how", "features", "--set", "start.layer=block4_pool")
    assert (plan.start.model, plan.start.layer, plan.shape) == ("vgg16-imagenet-base", "block4_pool", (224, 224, 3))
    with pytest.raises(FoveaError, match="names no classes"):
        planned("--data", pets, "--from", "vgg16-base")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--preset", "nope"], "no preset 'nope'"),
        (["--preset", "mnist-cnn", "--set", "fit.epoch=3"], "fit.epoch"),
        (["--preset", "mnist-cnn", "--set", "rate"], "KEY=VALUE"),
        (["--preset", "mnist-cnn", "--epochs", "0"], "epochs"),
        (["--preset", "mnist-cnn", "--split", "much"], "data.validation"),
        (["--preset", "mnist-cnn", "--size", "9999"], "pixels"),
        (["--data", "nowhere"], "not there"),
        (["--preset", "fovea-small-residual"], "pictures"),
        (["--data", "mnist", "--architecture", "X7"], "X7"),
        (["--data", "mnist", "--from", "nope"], "no model 'nope'"),
        (["--plan", "none.json"], "none.json"),
    ],
)
def test_what_cannot_be_planned_is_said(arguments: list[str], word: str) -> None:
    with pytest.raises(FoveaError) as caught:
        planned(*arguments)
    assert word in caught.value.message


def test_wrong_usage_and_the_list_of_presets(capsys: pytest.CaptureFixture[str], tmp_path: Path, pets: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        train.main([])
    assert caught.value.code == 2
    assert train.main(["--list-presets"]) == 0
    assert "cifar-augmented" in capsys.readouterr().out
    assert train.main(["--resume", "nope"]) == 1
    assert train.main(["--resume", "last"]) == 1
    assert train.main(["--preset", "nope", "--json"]) == 2
    (told,) = lines(capsys.readouterr().out)
    assert told["state"] == "failed" and "nope" in told["message"]
    assert train.main(["--data", str(pets), "--save-plan", str(tmp_path / "p.json")]) == 0
    assert plans.load(tmp_path / "p.json").labels == ("blue", "red")
    assert RunStore().list() == []


def test_the_starting_points_are_listed_with_their_expected_time(
    capsys: pytest.CaptureFixture[str], pets: Path
) -> None:
    assert train.main(["--data", str(pets), "--list-starts", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    best = listed[0]
    assert best["recommended"] and (best["how"], best["from"]) == ("features", "efficientnet-lite0")
    assert sum(one["recommended"] for one in listed) == 1
    ways = {(one["how"], one["from"]): one for one in listed}
    assert {("fresh", None), ("features", "cifar10"), ("continue", "cifar10"), ("fine-tune", "cifar10")} <= set(ways)
    assert all(one["seconds"] > 0 for one in listed)
    assert ways["fine-tune", "efficientnet-lite0"]["seconds"] > best["seconds"]
    assert train.main(["--data", str(pets), "--list-starts"]) == 0
    told = capsys.readouterr().out
    assert "--from efficientnet-lite0 --how features" in told and told.count("(recommended)") == 1
    assert train.main(["--data", "mnist", "--list-starts"]) == 2
    with pytest.raises(SystemExit):
        train.main(["--list-starts"])
    assert RunStore().list() == []


def test_a_run_is_not_overwritten_and_keeps_its_plan(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, pets: Path
) -> None:
    own = tmp_path / "mine"
    own.mkdir()
    (own / "checkpoint.npz").write_bytes(b"precious")
    assert train.main(["--data", str(pets), "--run", str(own)]) == 1
    told = capsys.readouterr().err
    assert "'mine' holds a run already" in told and "--resume" in told
    assert (own / "checkpoint.npz").read_bytes() == b"precious" and not (own / "plan.json").exists()
    for options in (["--epochs", "9"], ["--set", "fit.batch=4"], ["--run", str(own)], ["--from", "x"]):
        with pytest.raises(SystemExit) as caught:
            train.main(["--resume", "last", *options])
        assert caught.value.code == 2 and options[0] in capsys.readouterr().err
    assert train.main(["--resume", "last", "--data", str(pets), "--out", str(tmp_path), "--json"]) == 1  # no such run


def test_pictures_that_moved_are_found_again_when_a_run_is_taken_up(
    pets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = planned("--data", pets, "--name", "pets")
    record = RunStore().create(plan, "pets")
    moved = pets.rename(tmp_path / "elsewhere")
    assert train._moved(plan, str(moved)) == (None, moved)
    public = planned("--preset", "mnist-cnn")
    assert train._moved(public, str(tmp_path)) == (tmp_path, None)
    # A slip changes nothing of the run, nor does a run that is another process's.
    folder = RunStore().folder(record.id)
    assert train.main(["--resume", record.id, "--data", str(tmp_path / "elsewere")]) == 1
    with RunStore().training(record.id):
        assert train.main(["--resume", record.id, "--data", str(moved)]) == 1
    assert "trained by another process" in capsys.readouterr().err
    assert plans.load(folder / "plan.json") == plan and RunStore().get(record.id).state == "queued"


# Runs


@pytest.fixture
def two_runs(pets: Path) -> tuple[RunStore, list[str]]:
    store, ids = RunStore(), []
    for name, epochs, rate in (("first", "2", "0.01"), ("second", "3", "0.02")):
        plan = planned("--data", pets, "--name", name, "--epochs", epochs, "--set", f"optimizer.rate={rate}")
        record = store.create(plan, name, epochs=plan.fit.epochs, data="pets")
        store.update(record.id, state="done", epochs_done=plan.fit.epochs, figures={"val_accuracy": 0.5 + float(rate)})
        text = "epoch,loss,accuracy,val_loss,val_accuracy\n1,1.0,0.4,1.1,0.45\n2,0.9,0.5,1.0,0.5\n"
        (store.folder(record.id) / HISTORY).write_text(text, encoding="utf-8")
        ids.append(record.id)
    return store, ids


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert runs_command.main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_runs_are_listed_shown_and_compared(
    two_runs: tuple[RunStore, list[str]], pets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, ids = two_runs
    assert {run["id"] for run in call(capsys, "list")} == set(ids)
    shown = call(capsys, "show", ids[0])
    assert shown["history"]["val_loss"] == [1.1, 1.0] and shown["plan"]["fit"]["epochs"] == 2
    assert str(pets) not in json.dumps(shown)
    compared = call(capsys, "compare", *ids)
    assert compared["differences"] == {"optimizer.rate": ["0.01", "0.02"], "fit.epochs": ["2", "3"]}
    for arguments in (["list"], ["show", "last"], ["compare", *ids]):
        assert runs_command.main(arguments) == 0
        assert str(pets) not in capsys.readouterr().out


def test_a_deleted_run_can_be_restored(
    two_runs: tuple[RunStore, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    store, ids = two_runs
    deleted = call(capsys, "delete", ids[0])["deleted"]
    assert [run.id for run in store.list()] == [ids[1]]
    assert call(capsys, "restore")["deleted"] == [deleted[ids[0]]]
    assert runs_command.main(["restore"]) == 0 and capsys.readouterr().out == f"{deleted[ids[0]]}\n"
    assert call(capsys, "restore", deleted[ids[0]])["id"] == ids[0]
    assert call(capsys, "restore")["deleted"] == []
    result = fovea("runs", "show", "nope")
    assert result.returncode == 1 and "no run 'nope'" in result.stderr
    result = fovea("runs", "list")
    assert result.returncode == 0 and ids[0] in result.stdout and ids[1] in result.stdout


@pytest.mark.parametrize("as_json", [False, True])
def test_the_way_back_is_told_of_every_run_that_is_deleted(
    two_runs: tuple[RunStore, list[str]], capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    store, (first, second) = two_runs
    more = ["--json"] if as_json else []
    with pytest.raises(FoveaError):
        runs_command.main(["delete", first, "slip", *more])
    assert len(store.list()) == 2 and store.deleted() == [] and capsys.readouterr().out == ""
    with store.training(second), pytest.raises(FoveaError, match="is training"):
        runs_command.main(["delete", first, first, second, *more])
    (token,) = store.deleted()
    assert token in capsys.readouterr().out and store.restore(token).id == first


def test_without_runs_the_list_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert runs_command.main(["list"]) == 0
    assert "fovea train" in capsys.readouterr().out


# The real thing


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="SIGINT")
def test_ctrl_c_stops_after_the_batch_and_the_run_is_taken_up(pets: Path) -> None:
    pytest.importorskip("keras")
    arguments = ["train", "--data", pets, "--architecture", "flatten,D8", "--size", "8", "--epochs", "4000"]
    with subprocess.Popen(
        command(*arguments, "--batch-size", "8", "--name", "pets", "--json"),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line)["event"] == "batch-done":
                break
        process.send_signal(signal.SIGINT)
        rest = lines(process.stdout.read())
        assert process.wait() == 130
    assert rest[-1]["event"] == "finished" and rest[-1]["state"] == "stopped"
    (record,) = RunStore().list()
    assert record.state == "stopped" and 0 <= record.epochs_done < 4000
    plan = RunStore().folder(record.id) / "plan.json"
    assert plans.load(plan).fit.epochs == 4000
    resumed = subprocess.Popen(command("train", "--resume", "last"), cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert resumed.stdout is not None
    for line in resumed.stdout:
        if line.startswith("epoch "):
            assert int(line.split()[1].split("/")[0]) > record.epochs_done
            break
    resumed.send_signal(signal.SIGINT)
    resumed.stdout.read()
    assert resumed.wait() == 130
    resumed.stdout.close()
