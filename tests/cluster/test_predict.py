"""``fovea predict --cluster`` on a real Ray: the answers of one computer, whatever becomes of nodes and driver."""

from __future__ import annotations

import json
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from desktop.store.store import ModelStore
from tests.cluster.conftest import ROOT, Fovea, has_ray, lines_of
from tests.patience import patient

pytestmark = pytest.mark.skipif(not has_ray(), reason="the extra 'cluster' is not installed")


def told(job: Path) -> list[dict[str, Any]]:
    """What the job's log holds."""
    return [json.loads(line) for line in (job / "log.jsonl").read_text().splitlines()]


def positions(job: Path) -> list[int]:
    """The positions of all rows in a finished job."""
    import pyarrow.parquet as pq

    found: list[int] = []
    for part in sorted((job / "parts").glob("*.parquet")):
        found += pq.read_table(part, columns=["position"])["position"].to_pylist()
    return found


def wait_for(seen: Callable[[], bool], process: Any) -> None:
    """Wait until ``seen`` says yes, while the process runs."""
    end = time.monotonic() + patient(240)
    while not seen():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.05)


def done_blocks(job: Path) -> int:
    """Blocks that have been answered."""
    return len(list((job / "blocks").glob("*.arrow"))) + 100 * len(list((job / "parts").glob("*.parquet")))


def test_a_cluster_of_this_computer_answers_as_this_computer(store: ModelStore, pictures: Path, tmp_path: Path) -> None:
    fovea = Fovea({})
    status, out, err = fovea.run(
        "predict", "--cluster", "local", "--model", "colours", "--out", str(tmp_path / "job"), "--json", str(pictures)
    )
    assert status == 1, err  # two are damaged
    mine = fovea.run("predict", "--model", "colours", "--json", str(pictures))
    assert lines_of(out) == lines_of(mine[1])
    assert "takes part" in err
    assert positions(tmp_path / "job") == list(range(300))
    again = fovea.run("predict", "--cluster", "local", "--resume", str(tmp_path / "job"), "--json")
    assert again[1] == out  # all is there: nothing is asked, no cluster is begun


@pytest.mark.slow
def test_a_killed_node_loses_no_picture_and_a_killed_driver_goes_on(
    two_nodes: Any, store: ModelStore, pictures: Path, tmp_path: Path
) -> None:
    many = tmp_path / "many"
    many.mkdir()
    for copy in range(10):
        for picture in pictures.iterdir():
            (many / f"{copy}-{picture.name}").symlink_to(picture)
    job, fovea = tmp_path / "job", Fovea(two_nodes.environment)
    asked = ("predict", "--cluster", two_nodes.address, "--model", "colours", "--out", str(job), str(many))
    process = fovea.begin(*asked)
    wait_for(lambda: done_blocks(job) > 3, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before = done_blocks(job)
    process = fovea.begin("predict", "--cluster", two_nodes.address, "--resume", str(job))
    wait_for(lambda: done_blocks(job) > before + 3, process)
    two_nodes.kill(1)
    _, err = process.communicate(timeout=patient(300))
    assert process.returncode == 1, err
    assert "is lost" in err
    assert positions(job) == list(range(3000))
    assert "2,980 answered, 20 failed" in err
    assert [line["event"] for line in told(job) if line["event"] in ("begun", "taken-up", "node-lost", "ended")] == [
        "begun", "taken-up", "node-lost", "ended",
    ]  # fmt: skip


@pytest.mark.slow
def test_a_node_with_another_fovea_is_refused_by_name_and_sent_pictures_need_no_shared_folder(
    store: ModelStore, pictures: Path, tmp_path: Path
) -> None:
    from benchmarks.cluster_nodes import Nodes

    other = tmp_path / "other"
    shutil.copytree(ROOT / "desktop", other / "desktop", ignore=shutil.ignore_patterns("__pycache__"))
    (other / "desktop" / "__init__.py").write_text('"""Another one."""\n\n__version__ = "0.0.9"\n')
    with Nodes(1, environment={"PYTHONPATH": str(ROOT)}) as nodes:
        nodes.add(1, {"PYTHONPATH": str(other)})
        fovea = Fovea(nodes.environment)
        status, out, err = fovea.run(
            "predict", "--cluster", nodes.address, "--model", "colours", "--out", str(tmp_path / "job"), "--json",
            "--send-pictures", str(pictures),
        )  # fmt: skip
    assert status == 1, err
    assert "is left out: Fovea 0.0.9, not " in err
    assert lines_of(out) == lines_of(fovea.run("predict", "--model", "colours", "--json", str(pictures))[1])


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_answered(two_nodes: Any, store: ModelStore, pictures: Path, tmp_path: Path) -> None:
    many = tmp_path / "many"
    many.mkdir()
    for copy in range(10):
        for picture in pictures.iterdir():
            (many / f"{copy}-{picture.name}").symlink_to(picture)
    job, fovea = tmp_path / "job", Fovea(two_nodes.environment)
    process = fovea.begin("predict", "--cluster", two_nodes.address, "--model", "colours", "--out", str(job), str(many))
    wait_for(lambda: done_blocks(job) > 2, process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=patient(120))
    assert process.returncode == 130, err
    assert "goes on" in err
    assert fovea.run("predict", "--cluster", two_nodes.address, "--resume", str(job))[0] == 1
    assert positions(job) == list(range(3000))
