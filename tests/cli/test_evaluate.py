"""``fovea evaluate`` as its users run it."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from desktop.app.evaluating import keep
from desktop.cli import main
from desktop.core.figures.store import EvaluationStore
from desktop.store.store import ModelStore
from tests.cli.tools import ROOT, command, fovea
from tests.core.figures.makers import made_up, shades, two_classes
from tests.store.makers import add_colours


@pytest.fixture
def data(tmp_path: Path, fovea_home: Path) -> Path:
    add_colours(ModelStore(user=fovea_home / "models"))
    return shades(tmp_path / "some data")


def test_figures_files_and_exit_status(data: Path, tmp_path: Path, fovea_home: Path) -> None:
    table, figures, report = tmp_path / "o.csv", tmp_path / "o.json", tmp_path / "o.html"
    done = fovea("evaluate", "--model", "colours", data, "--json", figures, "--csv", table, "--report", report)
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    assert "15 of 16: too few" in done.stdout and "93.75" not in done.stdout
    assert "no answer: green/broken.png" in done.stderr
    assert done.stdout.index("1 of 17 pictures has no answer") < done.stdout.index("Accuracy")
    value = json.loads(figures.read_text())
    assert list(value).index("unanswered") < list(value).index("accuracy") and "1 of 17" in value["unanswered"]
    assert value["n"] == 16 and value["skipped"] == 1 and value["accuracy"] == 15 / 16
    assert value["notice"] == "" and value["works_here"] == []  # its card names no figure
    assert value["labels"] == ["red", "green", "blue"] and value["confusion"] == [[5, 0, 0], [0, 5, 0], [1, 0, 5]]
    with table.open(newline="", encoding="utf-8") as stream:
        assert len(list(csv.DictReader(stream))) == 17
    page = report.read_text(encoding="utf-8")
    assert "really red" in page and str(tmp_path) not in page and page.count("<img") == 1
    assert len(list((fovea_home / "evaluations").glob("*.npz"))) == 1
    (data / "green" / "broken.png").unlink()


def test_two_models_a_mapping_and_a_kept_result(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "green" / "broken.png").unlink()
    (data / "red").rename(data / "crimson")
    arguments = ["evaluate", "--model", "colours", str(data), "--map", "crimson=red", "--compare", "colours"]
    assert main(arguments) == 0
    assert "right and wrong on the same images" in capsys.readouterr().out
    told = EvaluationStore().recall_mapping("colours", ["blue", "crimson", "green"])
    assert told == {"blue": "blue", "crimson": "red", "green": "green"}  # the window offers it from now on
    assert main([*arguments, "--reuse", "--json", "-"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["mcnemar"]["p"] == 1.0 and value["mapping"]["crimson"] == "red" and value["n"] == 16
    assert "damaged" not in capsys.readouterr().err
    (kept,) = EvaluationStore().folder.glob("*.npz")
    kept.write_bytes(kept.read_bytes()[:200])
    (EvaluationStore().folder / "mappings.json").write_text("{", encoding="utf-8")
    assert main([*arguments, "--reuse"]) == 0  # answered anew, and said why
    said = capsys.readouterr().err
    assert "is damaged. They are looked at again" in said and "mappings.damaged.json" in said


@pytest.mark.skipif(os.name == "nt", reason="SIGINT")
def test_ctrl_c_keeps_what_was_answered_of_every_class(data: Path, tmp_path: Path) -> None:
    for place in sorted(data.iterdir()):
        first = min(place.iterdir())
        for number in range(4000):
            os.link(first, place / f"more-{number}.png")
    out = tmp_path / "o.json"
    arguments = command("evaluate", "--model", "colours", data, "--json", out)
    terminal, other = os.openpty()
    with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=other) as process:
        os.close(other)
        said = b""
        while b" of 12," not in said or b" right" not in said:
            said += os.read(terminal, 4096)
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(OSError):  # Linux' way to say that the other end is closed
            while piece := os.read(terminal, 4096):
                said += piece
        assert process.wait() == 130
    os.close(terminal)
    assert b"kept as incomplete" in said and b"Traceback" not in said and not out.exists()
    (entry,) = EvaluationStore().entries()
    held = EvaluationStore().load(entry.key)
    counts = np.bincount(held.truth, minlength=3)
    assert not held.complete and 0 < len(held) < 12_000 and counts.max() - counts.min() <= 40
    assert (np.diff(held.positions) > 0).all()


def test_a_threshold_is_kept_beside_the_models_own_decision(fovea_home: Path) -> None:
    truth, scores = two_classes()
    result = made_up(truth, scores, threshold=0.3)
    kept = EvaluationStore()
    keep(result, replace(result.model, threshold=0.5, reason="own"), chosen=True)
    (entry,) = kept.entries()
    assert entry.threshold == 0.3 and entry.model.threshold == 0.5
    assert kept.load(entry.key).predicted.tolist() == (scores[:, 1] >= 0.5).astype(int).tolist()
    own = replace(result, model=replace(result.model, threshold=0.5))
    keep(own, own.model, chosen=False)
    assert kept.entries()[0].threshold == 0.3, "an evaluation without a threshold takes nobody's choice away"
    keep(own, own.model, chosen=True)
    assert kept.entries()[0].threshold is None


def test_wrong_usage_is_2_and_says_what_to_do(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "red").rename(data / "crimson")
    assert main(["evaluate", "--model", "colours", str(data)]) == 2
    error = capsys.readouterr().err
    assert '--map "crimson=' in error and "'crimson'" in error
    for arguments in (
        ("--model", "no-such", data),
        ("--model", "colours", data, "--split", "dev"),
        ("--model", "colours", data, "--report", "x.docx"),
        ("--model", "colours", data, "--threshold", "0.5"),
    ):
        assert main(["evaluate", *map(str, arguments)]) == 2
        assert "fovea: " in capsys.readouterr().err
    assert main(["evaluate", "--model", "colours", str(data / "nowhere")]) == 1
    assert "not there" in capsys.readouterr().err
