"""What is kept of benchmarks: the figures, the code that they speak of, and the tables made of them."""

from __future__ import annotations

import ast
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from benchmarks import __main__ as command
from benchmarks import common, history, measured
from benchmarks.common import ROOT


def run_of(name: str = "draw", **more: Any) -> history.Run:
    """A run as it is kept."""
    report = common.Report(name, "mnist-digits", quick=False)
    report.compare("a new point", "ms", [30.0], [20.0], "one | process")
    report.bars += [common.at_most("median, ms", 30.0, 50.0), common.Bar("said in words", None, None, False)]
    told = report.as_json()
    facts = {"processor": "P", "cores": 2, "memory_gib": 23.5, "load": 0.1}
    held = {"date": "2026-12-01", "commit": "0123456789", "changed": False, "machine": facts}
    return {
        "benchmark": name,
        "code": measured.code_of(name),
        **held,
        **{k: told[k] for k in ("model", "figures", "bars")},
        **more,
    }


def test_the_page_says_what_the_history_says_of_the_code_as_it_is() -> None:
    """Where this fails, what a benchmark measures was changed: ``python -m benchmarks --table`` marks its figures."""
    page = history.PAGE.read_text(encoding="utf-8")
    assert history.rendered(page, history.read()) == page, "run: python -m benchmarks --table"


def test_every_run_that_is_kept_is_of_a_benchmark_that_there_is() -> None:
    runs = history.read()
    assert runs and {run["benchmark"] for run in runs} <= set(measured.BENCHMARKS)
    assert [run["date"] for run in runs] == sorted(run["date"] for run in runs)


def test_every_benchmark_has_its_place_in_the_map() -> None:
    found = set()
    for path in (ROOT / "benchmarks").glob("[!_]*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body):
            found.add(path.stem)
    assert found == {*measured.BENCHMARKS, *measured.ELSEWHERE, *measured.CHILDREN}


@pytest.mark.parametrize("name", measured.BENCHMARKS)
def test_what_a_benchmark_measures_is_there(name: str) -> None:
    assert all((ROOT / path).exists() for path in measured.BENCHMARKS[name].paths)
    assert len(list(measured.files_of(name))) > 1


def test_a_changed_file_makes_a_figure_older_than_its_code(tmp_path: Path) -> None:
    for path in measured.files_of("draw"):
        target = tmp_path / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    run = run_of()
    assert not history.is_older(run, tmp_path) and history.OLDER not in history.table(run, tmp_path)
    plain = tmp_path / "desktop/core/types.py"
    plain.write_bytes(plain.read_bytes().replace(b"\n", b"\r\n"))  # as a checkout on Windows has it
    assert not history.is_older(run, tmp_path)
    model = tmp_path / "model_store/mnist-digits/model.tflite"
    model.write_bytes(model.read_bytes() + b"\0")
    assert history.is_older(run, tmp_path) and history.OLDER in history.table(run, tmp_path)


def test_the_newest_run_stands_between_its_marks_and_the_words_around_it_stay() -> None:
    begin, end = history.marks("draw")
    page = f"# Words\n\n{begin}\nold\n{end}\n\nmore words\n"
    new = history.rendered(page, [run_of(date="2026-11-01"), run_of(), run_of("explain")])
    assert new.startswith("# Words\n\n") and "\nmore words\n" in new and "\nold\n" not in new
    assert "2026-12-01, commit 01234567; P, 2 cores, 23.5 GiB" in new and "2026-11-01" not in new
    assert "| a new point, ms | 30 | 20, one \\| process | 1.500 | 1 |" in new
    assert "| median, ms | 30 | 50 | holds |" in new and "| said in words | – | – | **misses** |" in new
    assert new.count(history.marks("explain")[0]) == 1, "one without a place gets one"
    assert history.rendered(new, [run_of(), run_of("explain")]) == new
    with pytest.raises(ValueError, match="end of the table of draw"):
        history.rendered(f"{begin}\n", [run_of()])


def test_a_busy_machine_and_changed_files_are_told() -> None:
    told = history.table(run_of(machine={"processor": "P", "cores": 2, "load": 14.2}, changed=True))
    assert "load 14.2" in told and "01234567 and changes" in told
    assert "load" not in history.table(run_of())


def test_what_is_no_run_is_named(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    assert history.read(file) == []
    history.add(run_of(), file)
    history.add(run_of(date="2026-12-02"), file)
    assert [run["date"] for run in history.read(file)] == ["2026-12-01", "2026-12-02"]
    assert history.newest(history.read(file))["draw"]["date"] == "2026-12-02"
    file.write_text(file.read_text(encoding="utf-8") + json.dumps({"benchmark": "draw"}) + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match="line 3 of history"):
        history.read(file)


def test_a_run_is_kept_and_the_page_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that ends without figures says what it needs; nothing is kept of it."""
    monkeypatch.setattr(history, "HISTORY", tmp_path / "history.jsonl")
    page = tmp_path / "benchmarks.md"
    page.write_text("# Words\n", encoding="utf-8")
    monkeypatch.setattr(history, "PAGE", page)
    monkeypatch.setattr(history, "IDLE", 1e9)
    monkeypatch.chdir(tmp_path)
    absent = measured.Measured("nothing", ("build.spec",), ("--program", str(tmp_path), "--json"), needs="a program")
    monkeypatch.setitem(measured.BENCHMARKS, "frozen", absent)
    assert command.main(["frozen", "--record", "--patience", "0"]) == 1
    assert "it needs a program" in capsys.readouterr().err and page.read_text(encoding="utf-8") == "# Words\n"
    monkeypatch.setattr(history, "measure", lambda name, more=(): run_of(name))
    assert command.main(["draw", "--record"]) == 1, "a bar is missed"
    assert "missed: said in words" in capsys.readouterr().out and "a new point" in page.read_text(encoding="utf-8")


def test_wrong_wishes_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["nothing"], ["draw", "--record", "--quick"]):
        with pytest.raises(SystemExit):
            command.main(words)
    assert "there is no benchmark nothing" in capsys.readouterr().err
    assert command.main(["--list"]) == 0
    assert "draw" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("value", "shown"), [(26.5, "26.5"), (1.004, "1.004"), (0.0345, "0.0345"), (20000.0, "20,000"), (3.0, "3")]
)
def test_figures_are_rounded_to_what_they_say(value: float, shown: str) -> None:
    assert history.number(value) == shown
