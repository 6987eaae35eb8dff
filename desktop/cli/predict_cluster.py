"""``fovea predict --cluster``: the same answers by many computers, kept in the folder of a job."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from desktop.app.answers import Answerable
from desktop.cli import console
from desktop.core.notices import NOTICES
from desktop.core.types import FoveaError, StoreError
from desktop.store.manifest import Manifest
from desktop.store.store import ModelStore, check_usable
from desktop.system.duration import duration
from desktop.system.words import phrase


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of a job on a cluster."""
    about = phrase(
        "The nodes of a Ray cluster answer the pictures, each as this computer would. The answers go into the folder\n"
        "that --out names, as Parquet and CSV with a row for every picture; with --json they are printed as well.\n"
        "Pictures lie on storage that all nodes reach by the same paths, or are sent. A job that was stopped or cut\n"
        "off goes on by --resume. docs/cluster.md tells how to set a cluster up, and what its ports let others do."
    )
    group = parser.add_argument_group("on a cluster", about)
    add_address(group)
    group.add_argument("--out", type=Path, metavar="FOLDER", help="a new folder for the job and its answers")
    group.add_argument("--resume", type=Path, metavar="FOLDER", help="go on with the job in this folder")
    add_sending(group)


def add_sending(group: Any) -> None:
    """The option that sends pictures along."""
    group.add_argument(
        "--send-pictures", action="store_true", help="send the pictures to the nodes, which share no storage"
    )


def require(address: str) -> None:
    """Raise :class:`FoveaError` where no cluster can be asked, or ``address`` is none."""
    from desktop.cluster import connection

    connection.check_address(address)
    connection.require()


def add_address(group: Any) -> None:
    """The option that names a cluster."""
    group.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="a Ray cluster by the address given to 'ray start' (HOST:PORT), or 'local' for this computer alone",
    )


def check(options: argparse.Namespace, refuse: Callable[[str], object]) -> None:
    """Refuse options that do not go together."""
    if not options.cluster:
        if options.out or options.resume or options.send_pictures:
            refuse(phrase("--out, --resume and --send-pictures go with --cluster"))
        return
    if options.camera:
        refuse(phrase("--camera and --cluster do not go together"))
    if bool(options.out) == bool(options.resume):
        refuse(phrase("--cluster needs either --out FOLDER or --resume FOLDER"))
    if options.resume and (options.paths or options.model or options.send_pictures or options.top or options.files):
        refuse(phrase("--resume takes model, pictures and how they are answered from the job"))


def run(options: argparse.Namespace, pictures: Callable[[console.ProgressLine], Iterator[Answerable]]) -> int:
    """Begin a job or go on with one; returns the exit status of ``fovea predict``."""
    try:
        require(options.cluster)
    except FoveaError as error:
        console.complain(error.message, error.hint)
        return 2 if error.kind == "bad-address" else 1
    from desktop.cluster import predicting
    from desktop.cluster.job import Job

    progress = console.ProgressLine()
    store = ModelStore()
    try:
        if options.resume:
            with contextlib.ExitStack() as held:
                job = held.enter_context(Job.resume(options.resume))
                models = predicting.models_of(job.plan, store)
                held.pop_all()  # it stays open
        else:
            plan, models = predicting.plan_for(
                options.model, store, options.top or 5, options.error_rate, options.files, options.send_pictures
            )
            job = Job.begin(options.out, plan, pictures(progress))
    except StoreError as error:
        console.complain(error.message, error.hint)
        return 2 if error.kind == "no-such-model" else 1
    progress.clear()
    with job:
        manifest = check_usable(store.require(job.plan.model))
        return _Run(options, job, manifest, progress).go(models)


class _Run:
    """One run of a job, and what is told of it."""

    def __init__(self, options: Any, job: Any, manifest: Manifest, progress: console.ProgressLine) -> None:
        self._options, self._job, self._manifest, self._progress = options, job, manifest, progress
        self._printed = 0  # blocks

    def go(self, models: bytes) -> int:
        """Have it answered; returns the exit status."""
        from desktop.cluster import predicting
        from desktop.cluster.connection import connected

        job, quiet = self._job, self._options.json
        if self._manifest.medical and not quiet:
            console.note(NOTICES["medical"].text)
        stopping = "stopping; what was answered by now is kept; Ctrl-C again stops at once"
        with console.Interrupts(stopping) as stop:
            self._print()
            if job.done < job.plan.total:
                self._progress.update("starting …")
                with connected(self._options.cluster) as ray:
                    complete = predicting.run(
                        ray, job, models, self._manifest, self._news, self._say, self._kept, lambda: stop.asked
                    )
            else:
                complete = True
        self._progress.clear()
        if not quiet:
            self._summary(complete)
        if not complete:
            console.note(phrase("stopped; --resume {name} goes on", name=str(job.folder)))
            return console.INTERRUPTED
        return 1 if job.counts.failed else 0

    def _news(self, news: Any) -> None:
        self._progress.clear()
        console.note(node_words(news))

    def _say(self, state: Any) -> None:
        if state.rate is None:
            self._progress.update(phrase("{done:,} of {total:,} …", done=state.done, total=state.total))
            return
        self._progress.update(
            phrase(
                "{done:,} of {total:,}, {failed:,} failed, {rate:,.0f} a second, {left} left …",
                done=state.done,
                total=state.total,
                failed=state.failed,
                rate=state.rate,
                left=duration(state.left_s or 0.0),
            )
        )

    def _kept(self, block: int) -> None:
        self._print()

    def _print(self) -> None:
        """With --json: what has been answered up to the first block that has not, in the order of the pictures."""
        if not self._options.json:
            return
        while self._printed < self._job.plan.blocks and self._job.has(self._printed):
            self._progress.clear()
            for line in self._job.lines(self._printed):
                console.say_json(line, allow_nan=False)
            self._printed += 1

    def _summary(self, complete: bool) -> None:
        from desktop.cluster.results import answers_counted

        job = self._job
        if complete and job.counts.answered:
            listed = answers_counted(job.parts())
            rows = [("answer", "pictures", "not its kind")]
            rows += [(console.printable(each.answer), f"{each.pictures:,}", f"{each.unlike:,}") for each in listed]
            console.say(console.table(rows, right=(1, 2)))
        counts = job.counts
        console.note(phrase("{answered:,} answered, {failed:,} failed", answered=counts.answered, failed=counts.failed))


def node_words(news: Any) -> str:
    """What became of a node, in a line."""
    if news.state == "joined":
        return phrase("fovea: node {name} takes part with {count} cores", name=news.name, count=news.cores)
    if news.state == "lost":
        return phrase("fovea: node {name} is lost; others answer what it had", name=news.name)
    return phrase("fovea: node {name} is left out: {why}", name=news.name, why=news.why)
