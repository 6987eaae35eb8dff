"""``fovea search --cluster`` on a real Ray with a real PostgreSQL: trials by several nodes, and gone on with."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from desktop.ml import search
from tests.cluster.conftest import Fovea, has_ray
from tests.patience import patient

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not has_ray(), reason="the extra 'cluster' is not installed")]


def _programs() -> Path | None:
    """Where PostgreSQL's own programs lie: Debian keeps them apart, by version."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@pytest.fixture
def database() -> Iterator[str]:
    """The address of an empty database of a PostgreSQL that is started for the test, on loopback alone."""
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    if importlib.util.find_spec("pg8000") is None:
        pytest.skip("the extra 'cluster' is not installed: no pg8000")
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    who: dict[str, Any] = {"user": "postgres", "extra_groups": []} if root else {}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="fovea-pg-"))
    try:
        if root:
            try:
                shutil.chown(folder, "postgres")
            except LookupError:
                pytest.skip("PostgreSQL refuses to run as root, and there is no user 'postgres'")
        data = folder / "data"
        made = [str(programs / "initdb"), "-D", str(data), "-U", "fovea", "--auth=trust", "--no-sync"]
        subprocess.run(made, check=True, stdout=subprocess.DEVNULL, cwd=folder, **who)
        server = subprocess.Popen(
            [str(programs / "postgres"), "-D", str(data), "-k", str(folder), "-h", "127.0.0.1", "-p", str(port)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, **who,
        )  # fmt: skip
        try:
            _wait(port, server)
            yield f"postgresql://fovea@127.0.0.1:{port}/postgres"
        finally:
            server.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(60)
            server.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(port: int, server: subprocess.Popen[bytes]) -> None:
    import pg8000.native

    end = time.monotonic() + patient(60)
    while True:
        try:
            pg8000.native.Connection("fovea", "127.0.0.1", "postgres", port).close()
            return
        except Exception:
            assert server.poll() is None, "PostgreSQL has ended"
            assert time.monotonic() < end
            time.sleep(0.1)


def test_trials_are_shared_by_nodes_and_a_search_goes_on(two_nodes: Any, database: str, pets: Path) -> None:
    fovea = Fovea(two_nodes.environment)
    asked = [
        "search", "--cluster", two_nodes.address, "--storage", database, "--name", "shared", "--data", str(pets),
        "--architecture", "flatten,D8", "--size", "8", "--epochs", "2", "--batch-size", "8", "--json",
        "--range", "optimizer.rate=0.0001..0.1:log",
    ]  # fmt: skip
    status, out, err = fovea.run(*asked, "--trials", "3")
    assert status == 0, err
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["event"] for line in lines] == ["trial"] * 3 + ["result"]
    study = search._optuna().load_study(study_name="shared", storage=search._storage("shared", database))
    workers = {trial.user_attrs["worker"] for trial in study.trials}
    assert len(workers) == 2  # each node had a part in it
    status, out, err = fovea.run(*asked, "--trials", "4")
    assert status == 0, err
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["event"] for line in lines] == ["trial", "result"]  # three were there already
    assert len(lines[-1]["trials"]) == 4


def test_what_a_lost_worker_was_at_is_queued_again(database: str) -> None:
    optuna = search._optuna()
    study = optuna.create_study(study_name="lost", storage=search._storage("lost", database))
    mine, other = study.ask(), study.ask()
    for trial, worker in ((mine, "gone"), (other, "here")):
        trial.suggest_float("x", 0.0, 1.0)
        trial.set_user_attr("worker", worker)
    search.release("lost", database, "gone")
    states = [trial.state.name for trial in study.get_trials()]
    assert states == ["FAIL", "RUNNING", "WAITING"]
    assert study.ask().params == {} and study.get_trials()[2].system_attrs["fixed_params"] == mine.params


def test_a_search_on_a_cluster_needs_a_database(capsys: pytest.CaptureFixture[str]) -> None:
    from desktop.cli.search import main

    with pytest.raises(SystemExit) as end:
        main(["--cluster", "local", "--name", "x", "--trials", "2", "--preset", "mnist-grid"])
    assert end.value.code == 2
    assert "--storage" in capsys.readouterr().err
