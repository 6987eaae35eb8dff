"""The commands of ``fovea teach`` that learn: they start the process that looks at pictures and fits a head."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from desktop.cli import console
from desktop.cli.teach_projects import opened
from desktop.core.types import FoveaError
from desktop.engine.teaching import TeachClient
from desktop.engine.teaching_events import (
    AskCopies,
    AskHeaps,
    AskMissing,
    AskOrder,
    Copies,
    Heaps,
    Learned,
    LookAgain,
    LookedAt,
    Missing,
    Ordered,
    Refused,
    TeachEvent,
    TeachingEnded,
)
from desktop.system.words import phrase

if TYPE_CHECKING:
    from desktop.store.project import Project

E = TypeVar("E")
_ONE = 1  # the number of the one request that a command asks


class Waiting:
    """A learning process that a command waits for."""

    def __init__(self, client: TeachClient, project: Project) -> None:
        self._client, self._project = client, project
        self._bar = console.ProgressLine()

    def looked(self) -> Learned:
        """Wait until every picture was looked at and everything known was learned. Raises :class:`FoveaError`."""
        total = len(self._project.index())
        seen: list[LookedAt] = []

        def whole(event: TeachEvent) -> bool:
            if isinstance(event, LookedAt):
                seen.append(event)
                rate = f", {event.rate:.0f} a second" if event.rate else ""
                self._bar.update(f"looking at pictures: {event.done:,} of {event.total:,}{rate}")
            return isinstance(event, LookedAt) and event.done >= max(total, event.total)

        self._until(whole)
        self._bar.clear()
        if seen and seen[-1].broken:
            console.note(phrase("{broken:,} pictures do not open and take no part", broken=seen[-1].broken))
        revision = self._project.revision
        self._client.send(LookAgain())
        opened_now = seen[-1].total - seen[-1].broken if seen else 0
        return self._of(Learned, lambda e: e.revision >= revision and len(e.ids) >= min(opened_now, len(e.ids)))

    def ask(self, request: Any, kind: type[E]) -> E:
        """The answer to a request. Raises :class:`FoveaError`."""
        self._client.send(request)
        return self._of(kind, lambda e: getattr(e, "number", _ONE) == _ONE)

    def _of(self, kind: type[E], good: Callable[[Any], bool]) -> E:
        found: list[E] = []

        def right(event: TeachEvent) -> bool:
            if isinstance(event, Refused):
                raise FoveaError(event.kind, event.message, event.hint)
            if isinstance(event, kind) and good(event):
                found.append(event)
            return bool(found)

        self._until(right)
        return found[0]

    def _until(self, done: Callable[[TeachEvent], bool]) -> None:
        while True:
            for event in self._client.events(0.5):
                if isinstance(event, TeachingEnded):
                    raise FoveaError("ended", event.message or "the learning has ended", event.hint)
                if done(event):
                    return


@contextmanager
def learning(project: Project) -> Iterator[Waiting]:
    """The learning process of ``project``, ended with this context."""
    with TeachClient(project.folder) as client:
        yield Waiting(client, project)


def show(options: Any) -> int:
    """What is known of a project."""
    with opened(options.project) as project:
        classes = project.classes()
        with learning(project) as lesson:
            learned = lesson.looked()
        index = project.index()
        accuracy = learned.accuracy
        values = {
            "project": project.id, "name": project.name, "pictures": len(index), "looked_at": len(learned.ids),
            "labelled": int((index.labels > 0).sum()), "classes": {c.name: c.count for c in classes},
            "accuracy": accuracy.value, "low": accuracy.low, "high": accuracy.high, "reason": accuracy.reason,
            "waiting_for": learned.waiting_for,
        }  # fmt: skip
    if options.json:
        console.say(json.dumps(values))
        return 0
    title = console.printable(project.name)
    lines = [f"{title} ({project.id}): {len(index):,} pictures, {values['labelled']:,} labelled"]
    if classes:
        rows: list[tuple[str, ...]] = [("class", "labels")]
        rows += [(console.printable(c.name), f"{c.count:,}") for c in classes]
        lines.append(console.table(rows, right=(1,)))
    lines.append(accuracy_words(learned))
    console.say("\n".join(lines))
    return 0


def accuracy_words(learned: Learned) -> str:
    """The accuracy with its interval, or why there is none."""
    accuracy = learned.accuracy
    if learned.waiting_for:
        return f"nothing was learned yet: {learned.waiting_for} needed"
    if accuracy.value is None:
        return f"accuracy: not known yet ({accuracy.reason})"
    return (
        f"accuracy on pictures such as these: {accuracy.value:.3f} ({accuracy.low:.3f} to {accuracy.high:.3f}), "
        f"{accuracy.n:,} drawn at random, each checked by a head that had not learned from it"
    )


def suggest(options: Any) -> int:
    """Suggestions for pictures, as a table or a CSV file."""
    from desktop.app.exports import write_rows

    with opened(options.project) as project:
        names = {c.id: c.name for c in project.classes()}
        with learning(project) as lesson:
            learned = lesson.looked()
            if learned.waiting_for:
                raise FoveaError(
                    "nothing-learned",
                    phrase("there is nothing to suggest yet: {waiting_for} needed", waiting_for=learned.waiting_for),
                )
            most = len(learned.ids) if options.csv else max(1, options.most)
            order = lesson.ask(AskOrder(_ONE, options.order, most), Ordered)
        place = {number: at for at, number in enumerate(learned.ids.tolist())}
        ids = [number for number in order.ids.tolist() if number in place]
        pictures = project.pictures(ids)
        rows = []
        for picture in pictures:
            class_id, score = learned.suggestion(place[picture.id])
            rows.append((picture, names.get(class_id, ""), score))
        if options.csv:
            from desktop.core.data.read_labels_file import common_folder, relative

            root = common_folder([picture.path for picture, _, _ in rows])
            write_rows(
                options.csv, ("file", "label", "score"), ((relative(p.path, root), n, f"{s:.4f}") for p, n, s in rows)
            )
    if options.json:
        console.say(json.dumps([{"file": p.name, "id": p.id, "label": n, "score": round(s, 4)} for p, n, s in rows]))
    elif not options.csv:
        lines = [("picture", "suggestion", "score")]
        lines += [(console.printable(p.name), console.printable(n), f"{s:.3f}") for p, n, s in rows]
        console.say(console.table(lines, right=(2,)) if rows else "there is no picture to suggest anything for")
        console.say(accuracy_words(learned))
    return 0


def accept(options: Any) -> int:
    """Take sure suggestions as labels, in one step of undo."""
    from desktop.app import teaching

    with opened(options.project) as project:
        class_id = 0
        if options.class_name:
            found = project.find_class(options.class_name)
            if found is None:
                raise FoveaError("no-class", phrase("there is no class '{class_name}'", class_name=options.class_name))
            class_id = found.id
        with learning(project) as lesson:
            learned = lesson.looked()
            most = max(1, len(learned.ids))
            asked = AskOrder(_ONE, "suggested", most, class_id=class_id, at_least=options.at_least)
            order = lesson.ask(asked, Ordered)
        place = {number: at for at, number in enumerate(learned.ids.tolist())}
        ids = order.ids.tolist()
        if ids:
            teaching.accept(project, ids, [learned.suggestion(place[number])[0] for number in ids])
        text = phrase(
            "{count:,} suggestions were taken; 'fovea teach undo {id}' takes them back", count=len(ids), id=project.id
        )
    console.say(json.dumps({"accepted": len(ids)}) if options.json else text)
    return 0


def heaps(options: Any) -> int:
    """Group what has no label."""
    with opened(options.project) as project:
        with learning(project) as lesson:
            lesson.looked()
            found = lesson.ask(AskHeaps(_ONE, heaps=options.heaps), Heaps)
        shown = [[p.name for p in project.pictures(heap.ids[:5])] for heap in found.heaps]
    if options.json:
        console.say(json.dumps([{"ids": list(heap.ids), "tightness": heap.tightness} for heap in found.heaps]))
    else:
        lines = [
            f"{len(heap.ids):,} pictures: {', '.join(console.printable(name) for name in names)}"
            for heap, names in zip(found.heaps, shown, strict=True)
        ]
        console.say("\n".join(lines) or "there is no picture without a label")
    return 0


def copies(options: Any) -> int:
    """Find copies and bursts."""
    with opened(options.project) as project:
        with learning(project) as lesson:
            lesson.looked()
            found = lesson.ask(AskCopies(_ONE), Copies)
        names = [[p.name for p in project.pictures(group.ids)] for group in found.groups]
    if options.json:
        told = zip(found.groups, names, strict=True)
        console.say(json.dumps([{"kind": g.kind, "ids": list(g.ids), "files": n} for g, n in told]))
    else:
        words = {"same": "the same", "near": "nearly the same", "burst": "taken in one go"}
        lines = [
            f"{words[group.kind]}: {', '.join(console.printable(name) for name in listed)}"
            for group, listed in zip(found.groups, names, strict=True)
        ]
        console.say("\n".join(lines) or "there are no copies")
    return 0


def moved(options: Any) -> int:
    """Find files again that were moved."""
    with opened(options.project) as project, learning(project) as lesson:
        found = lesson.ask(AskMissing(_ONE, tuple(str(Path(path).absolute()) for path in options.paths)), Missing)
    values = {"found": len(found.found), "missing": len(found.missing), "replaced": len(found.replaced)}
    text = phrase(
        "{found:,} pictures were found again, {missing:,} are missing still, {replaced:,} hold another picture now",
        found=values["found"],
        missing=values["missing"],
        replaced=values["replaced"],
    )
    console.say(json.dumps(values) if options.json else text)
    return 1 if found.missing else 0


def make(options: Any) -> int:
    """Make it a model, by the same training as 'fovea train'."""
    from desktop.app import starting, teaching, teaching_models
    from desktop.cli.train import JsonTeller, Stop, TextTeller
    from desktop.store.runs import RunStore

    with opened(options.project) as project:
        plan = teaching_models.prepare_training(project, options.how, options.name, options.compare)
        plan, record = starting.start_training(plan)
        teller: Any = JsonTeller() if options.json else TextTeller()
        teller.run(record.id, plan)
        try:
            with Stop() as stop:
                from desktop.ml import job  # Keras takes seconds: Ctrl-C is ours before

                finished = job.execute(RunStore().folder(record.id), teller, stop, None, None, teller.model, None)
        finally:
            teller.close()
        if finished.state == "failed":
            raise FoveaError(finished.kind or "failed", finished.message, finished.hint)
        if finished.state == "done":
            model_id = finished.model_id or ""
            teaching.made(project, model_id)
            if options.compare:
                _compare(options, project, model_id)
    if not options.json:
        console.say(finished.message)
    return 0 if finished.state == "done" else console.INTERRUPTED


def _compare(options: Any, project: Project, new: str) -> None:
    """Say which of two models is better on pictures that neither has learned from, or that there are too few."""
    from desktop.app import teaching_models
    from desktop.core.figures.intervals import shown
    from desktop.engine.client import EngineClient

    try:
        with EngineClient() as client:
            first, second = teaching_models.compare_old_new(client, project, options.compare, new)
    except FoveaError as error:
        console.note(f"{error.message}. {error.hint}")
        return
    test = second.paired.test
    if options.json:
        told = {"n": len(second.result), "only_old": test.only_a, "only_new": test.only_b, "p": test.p}
        console.say(json.dumps({"event": "compared", "old": options.compare, "new": new, **told}))
        return
    for name, figures in ((options.compare, first.figures), (new, second.figures)):
        accuracy = shown(figures.accuracy)
        value = (
            accuracy.reason
            if accuracy.value is None
            else f"{accuracy.value:.3f} ({accuracy.low:.3f} to {accuracy.high:.3f})"
        )
        console.say(f"{name}: {value}, {len(second.result):,} pictures that neither has learned from")
    console.say(test.sentence(options.compare, new))
