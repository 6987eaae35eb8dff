"""``python -m benchmarks.cluster_cost``: what a job on a cluster costs beside the answers, without Ray.

The pictures are made up, and so are their answers: what is timed is writing down what is asked, a worker's table of a
block, and what the driver does with a block that has come. Processor time does not mind what else the computer does.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.cluster_plan import simulated
from desktop.core.pictures.walk import FoundFile
from desktop.core.types import DomainVerdict, ImageSource
from desktop.engine.messages import Elapsed, Prediction
from desktop.store.store import ModelStore, check_usable

MODEL = "mnist-digits"
_BLOCKS = 129  # one more than a part holds
_TABLES = 4
_BLOCK_S = 4.25  # 512 pictures at the rate of docs/benchmarks.md, 240.9 on two cores


def main() -> int:
    """Print the costs and what follows from them for larger clusters."""
    import pyarrow as pa

    from desktop.cluster import job as jobs
    from desktop.cluster import rows
    from desktop.cluster.job import Job, JobPlan

    manifest = check_usable(ModelStore().require(MODEL))
    scores = np.full(len(manifest.labels), 0.01, np.float32)
    scores[3] = 0.91
    answer = Prediction(
        1, MODEL, ImageSource.from_path("/a.png"), 3, manifest.labels[3], scores, None, "ab" * 32, (640, 480), "PNG",
        1, (), Elapsed(1.0, 2.0, 3.0), "CPU", 0, DomainVerdict(0.5, True),
    )  # fmt: skip
    count = jobs.BLOCK * _BLOCKS
    with tempfile.TemporaryDirectory(prefix="fovea-bench-", ignore_cleanup_errors=True) as scratch:
        plan = JobPlan(MODEL, "", "", {}, 5, 0.1, False, False)
        begin = time.process_time()
        job = Job.begin(Path(scratch) / "job", plan, (FoundFile(f"/pictures/{n:09d}.png") for n in range(count)))
        asked = time.process_time() - begin
        print(f"writing down what is asked: {asked / count * 1e6:.1f} s a million pictures")
        begin = time.process_time()
        for _ in range(_TABLES):
            told = [each.told for each in job.asked(0)]
            table, lines = rows.table_of(0, told, [answer] * len(told), manifest, 5, 0.1)
        print(f"a worker's table: {(time.process_time() - begin) / _TABLES / jobs.BLOCK * 1e3:.3f} ms a picture")
        head = rows.csv_head(manifest)
        whole, place = rows.unpacked(table), rows.SCHEMA.get_field_index("position")
        begin = time.process_time()
        for block in range(_BLOCKS):
            first = block * jobs.BLOCK
            positions = pa.array(range(first, first + jobs.BLOCK), pa.int64())
            job.put(block, rows.packed(whole.set_column(place, "position", positions)), lines)
            job.join(head)
        driver = (time.process_time() - begin) / _BLOCKS
        print(f"the driver: {driver * 1e3:.1f} ms a block of {jobs.BLOCK}")
        job.close()
    for storage in (10**9, 10**8):
        spent = [_BLOCK_S * part for part in (0.8, 0.9, 1, 1.1, 1.3)]
        for row in simulated(jobs.BLOCK, spent, driver, storage=storage):
            busy = f"storage {row.storage:.0%} busy"
            print(f"{storage:>13,} bytes/s {row.cores:>5,} cores: {row.rate:>7,.0f} pictures/s, {busy}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
