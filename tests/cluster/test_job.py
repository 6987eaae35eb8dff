"""A job's folder: every picture has one row, whatever was cut off."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyarrow", reason="the extra 'cluster' is not installed")

import pyarrow.parquet as pq

from desktop.app.answer_json import as_json
from desktop.cli.predict import main as predict
from desktop.cluster import job as jobs
from desktop.cluster import rows
from desktop.cluster.job import Job, JobError, JobPlan, read_plan
from desktop.cluster.predicting import plan_for
from desktop.cluster.results import answers_counted
from desktop.core.pictures.walk import FoundFile, Problem
from desktop.core.types import DomainVerdict, ImageSource, Notice
from desktop.engine.messages import Elapsed, Failure, Prediction
from desktop.store.store import ModelStore
from tests.store.makers import add_colours, manifest

HEAD = rows.csv_head(manifest())


def plan(send: bool = False) -> JobPlan:
    """What is asked, before its pictures are known."""
    return JobPlan("colours", "n" * 64, "p" * 64, {"fovea": "1"}, 3, 0.1, False, send)


def pictures(count: int) -> Iterator[FoundFile]:
    """Pictures that are nowhere opened."""
    return (FoundFile(f"/pictures/{number}.png") for number in range(count))


def answer(number: int) -> Prediction | Failure:
    """What might be said of a picture; of every seventh that it cannot be read."""
    if number % 7 == 6:
        return Failure(1, "unreadable", "'x.png' cannot be read", "Look at it.")
    scores = np.array([0.7, 0.2, 0.1], np.float32) if number % 2 else np.array([0.1, 0.3, 0.6], np.float32)
    index = int(scores.argmax())
    return Prediction(
        1, "colours", ImageSource.from_path(f"/pictures/{number}.png"), index, ("red", "green", "blue")[index], scores,
        None, "ab" * 32, (640, 480), "PNG", 1, (Notice("windowed", "windowed from 16 bits"),),
        Elapsed(1.23456, 2.0, 3.0), "CPU", number, DomainVerdict(0.25 + number, bool(number % 3)),
    )  # fmt: skip


def put(job: Job, block: int) -> None:
    """Answer a block as a node would."""
    asked, first = job.asked(block), block * job.plan.block
    found = [answer(first + at) for at in range(len(asked))]
    told = [each.told for each in asked]
    table, lines = rows.table_of(first, told, found, manifest(), job.plan.top, job.plan.error_rate)
    assert job.put(block, table, lines)


def positions(job: Job) -> list[int]:
    """The positions in all parts, in their order."""
    return [p for part in job.parts() for p in pq.read_table(part, columns=["position"])["position"].to_pylist()]


def test_a_job_goes_on_where_it_was_cut_off_and_has_each_picture_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "PART", 4)
    with Job.begin(tmp_path / "job", plan(), pictures(1000)) as job:
        assert (job.plan.total, job.plan.block, job.plan.blocks) == (1000, 16, 63)
        for block in (0, 1, 2, 3, 7, 62, 5):
            put(job, block)
            job.join(HEAD)
        assert [path.name for path in job.parts()] == ["000000000-000000003.parquet"]
    with Job.resume(tmp_path / "job") as job:
        assert job.done == 6 * 16 + 8
        missing = list(job.missing())
        assert missing == [4, 6, *range(8, 62)]
        for block in reversed(missing):
            put(job, block)
            job.join(HEAD)
        job.join(HEAD, everything=True)
        assert positions(job) == list(range(1000))
        assert not list((job.folder / "blocks").iterdir())
        lines = [
            line for part in sorted((job.folder / "parts").glob("*.csv")) for line in part.read_bytes().split(b"\r\n")
        ]
        assert len([line for line in lines if line.startswith(b"/pictures/")]) == 1000
        assert (job.counts.failed, job.counts.answered) == (142, 858)


def test_a_block_that_comes_twice_is_kept_once(tmp_path: Path) -> None:
    with Job.begin(tmp_path / "job", plan(), pictures(40)) as job:
        put(job, 0)
        table, lines = rows.table_of(
            0, [f"/pictures/{n}.png" for n in range(16)], [answer(n) for n in range(16)], manifest(), 3, 0.1
        )
        assert not job.put(0, table, lines)
        assert job.done == 16


def test_what_a_cut_off_join_left_behind_counts_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "PART", 2)
    with Job.begin(tmp_path / "job", plan(), pictures(48)) as job:
        put(job, 0)
        put(job, 1)
        monkeypatch.setattr(Job, "_drop", lambda *_: None)  # the power goes between the part and the blocks' end
        job.join(HEAD)
        monkeypatch.undo()
    monkeypatch.setattr(jobs, "PART", 2)
    with Job.resume(tmp_path / "job") as job:
        assert job.done == 32
        assert not list((job.folder / "blocks").iterdir())
        put(job, 2)
        job.join(HEAD, everything=True)
        assert positions(job) == list(range(48))


def test_the_rows_give_the_json_of_the_command_line(tmp_path: Path) -> None:
    found: list[FoundFile | Problem] = [*pictures(20), Problem("/pictures/gone.png", "not-found", "'gone.png' is gone")]
    with Job.begin(tmp_path / "job", plan(), found) as job:
        for block in range(job.plan.blocks):
            asked, first = job.asked(block), block * job.plan.block
            results = [Failure(0, *a.problem) if a.problem else answer(first + at) for at, a in enumerate(asked)]
            table, lines = rows.table_of(first, [a.told for a in asked], results, manifest(), 3, 0.1)
            job.put(block, table, lines)
        printed = [line for block in range(job.plan.blocks) for line in job.lines(block)]
        expected = [as_json(f"/pictures/{n}.png", answer(n), manifest(), 3) for n in range(20)]
        assert [json.dumps(line) for line in printed[:20]] == [json.dumps(line) for line in expected]
        assert printed[20] == {
            "path": "/pictures/gone.png",
            "error": {"kind": "not-found", "message": "'gone.png' is gone"},
        }
        job.join(HEAD, everything=True)
        assert [line for block in range(job.plan.blocks) for line in job.lines(block)] == printed


def test_answers_are_counted_over_all_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "PART", 1)
    with Job.begin(tmp_path / "job", plan(), pictures(60)) as job:
        for block in range(job.plan.blocks):
            put(job, block)
        job.join(HEAD, everything=True)
        counted = {each.answer: (each.pictures, each.unlike) for each in answers_counted(job.parts())}
    said = [(n, a) for n in range(60) if isinstance(a := answer(n), Prediction)]
    outside = sum(n % 3 == 0 for n, _ in said)
    assert counted == {
        **{word: (sum(a.label == word and n % 3 > 0 for n, a in said), 0) for word in ("red", "blue")},
        "no answer": (outside, outside),
    }


def test_another_program_at_the_same_job_is_refused(tmp_path: Path) -> None:
    with Job.begin(tmp_path / "job", plan(), pictures(3)):
        with pytest.raises(JobError) as busy:
            Job.resume(tmp_path / "job")
        assert busy.value.kind == "job-busy"
    Job.resume(tmp_path / "job").close()


def test_what_is_no_job_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(JobError) as found:
        Job.resume(tmp_path)
    assert found.value.kind == "no-such-job"
    with pytest.raises(JobError) as empty:
        Job.begin(tmp_path / "empty", plan(), pictures(0))
    assert empty.value.kind == "no-pictures"
    Job.begin(tmp_path / "job", plan(), pictures(3)).close()
    with pytest.raises(JobError) as there:
        Job.begin(tmp_path / "job", plan(), pictures(3))
    assert there.value.kind == "job-there"
    (tmp_path / "job" / "job.json").write_text('{"schema": 1}')
    with pytest.raises(JobError) as bad:
        read_plan(tmp_path / "job")
    assert bad.value.kind == "bad-job"


def test_a_name_that_is_no_text_is_kept(tmp_path: Path) -> None:
    name = b"/pictures/\xff\xfe.png".decode("utf-8", "surrogateescape")
    with Job.begin(tmp_path / "job", plan(), [FoundFile(name)]) as job:
        assert job.asked(0)[0].path == name
        put(job, 0)
        (line,) = job.lines(0)
        assert line["path"] == name


def test_a_large_job_is_cut_into_blocks_of_one_request(tmp_path: Path) -> None:
    with Job.begin(tmp_path / "job", plan(), pictures(jobs.BLOCK * 64 + 1)) as job:
        assert (job.plan.block, job.plan.blocks, job.plan.size_of(64)) == (jobs.BLOCK, 65, 1)
    with Job.begin(tmp_path / "sent", plan(send=True), pictures(5000)) as job:
        assert job.plan.block == 64


def test_a_job_that_is_complete_is_told_without_a_cluster(
    store: ModelStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked, _ = plan_for("colours", store, 3, 0.1, False, False)
    with Job.begin(tmp_path / "job", asked, pictures(40)) as job:
        for block in range(job.plan.blocks):
            put(job, block)
        job.join(HEAD, everything=True)
        expected = [line for block in range(job.plan.blocks) for line in job.lines(block)]
    assert predict(["--cluster", "local", "--resume", str(tmp_path / "job"), "--json"]) == 1  # some have no answer
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == expected
    assert predict(["--cluster", "local", "--resume", str(tmp_path / "job")]) == 1
    told = capsys.readouterr()
    assert "35 answered, 5 failed" in told.err
    assert [line.split()[0] for line in told.out.splitlines()] == ["answer", "no", "red", "blue"]


def test_a_job_of_a_model_that_has_changed_is_not_gone_on_with(store: ModelStore, tmp_path: Path) -> None:
    asked, _ = plan_for("colours", store, 3, 0.1, False, False)
    Job.begin(tmp_path / "job", asked, pictures(4)).close()
    add_colours(store, name="Other colours")
    for _ in range(2):  # the folder is let go of
        with pytest.raises(JobError, match="has changed since"):
            predict(["--cluster", "local", "--resume", str(tmp_path / "job")])
