"""``fovea sort``: pictures into folders by their answers, or renamed; what was done can be taken back."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import closing

from desktop.app.answers import Result, answers
from desktop.app.sorting import FIELDS, Answered, How, SortPlan, SortRule, carry_out, check_pattern, plan_sorting
from desktop.cli import console
from desktop.cli.parser import Parser, share
from desktop.core.notices import NOTICES
from desktop.core.types import FoveaError, ImageSource, StoreError
from desktop.engine.messages import EngineLost, Failure
from desktop.store.file_actions import FileActions, FileOutcome
from desktop.store.manifest import Manifest
from desktop.store.store import ModelStore
from desktop.system.words import phrase, worded

_SHOWN = 20
_EPILOG = f"""\
  fovea sort holiday --model ID --into sorted                   copies, into a folder for each answer
  fovea sort holiday --model ID --into sorted --move            moves instead
  fovea sort holiday --model ID --rename '{{answer}} {{number}}'    new names, in the folders where they are
  fovea sort --undo                                             takes the last of these back

In a name may stand: {", ".join(f"{{{name}}}" for name in FIELDS)}; the ending stays. Nothing is ever written over: a
name that is taken gets a number. Pictures that are not the kind that the model learned from, or that it is not sure of,
are left where they are unless --doubtful says otherwise. A file that is changed meanwhile is not touched. All is
written down before it is done, so that --undo works after a power cut as well; --log lists what was done.

exit status: 0 all was done as it was planned; 1 something was left that should have gone, or nothing could be done;
2 wrong usage; 130 stopped by Ctrl-C (what was done until then can be undone).
"""


def main(argv: list[str]) -> int:
    """Run the command; returns its exit status."""
    parser = _parser()
    options = parser.parse_args(argv)
    actions = FileActions()
    actions.recover()
    if options.log is not None:
        return _log(actions, options.log)
    if options.undo is not None:
        return _undo(actions, options.undo, options.dry_run)
    if not options.paths or not options.model:
        parser.error(phrase("a folder of pictures and --model are needed, or --undo, or --log"))
    if (options.into is None) == (options.rename is None):
        parser.error(phrase("either --into FOLDER or --rename PATTERN is needed"))
    if options.move and options.into is None:
        parser.error(phrase("--move goes with --into"))
    pattern = options.rename or options.name
    try:
        check_pattern(pattern)
    except FoveaError as error:
        console.complain(error.message, error.hint)
        return 2
    how: How = "rename" if options.rename else "move" if options.move else "copy"
    rule = SortRule(
        how, options.into or "", pattern, not options.flat, options.at_least, options.doubtful, options.skip
    )
    try:
        manifest = ModelStore().require(options.model).manifest
    except StoreError as error:
        console.complain(error.message, error.hint)
        return 2 if error.kind == "no-such-model" else 1
    assert manifest is not None
    if manifest.medical:
        console.note(NOTICES["medical"].text)
    pictures = list(_classified(options.paths, manifest))
    plan = plan_sorting(pictures, rule, manifest.id)
    _show(plan, options.dry_run)
    if options.dry_run or not plan.going:
        return 0 if plan.going and not plan.trouble else 1
    return _do(actions, plan)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="fovea sort",
        description="Copy or move pictures into folders by what a model says of them, or rename them.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("paths", nargs="*", metavar="PATH", help="pictures and folders of pictures")
    parser.add_argument("--model", metavar="ID", help="the model; 'fovea models list' names them")
    parser.add_argument("--into", metavar="FOLDER", help="where the folders of the answers are to be")
    parser.add_argument("--move", action="store_true", help="move the files instead of copying them")
    parser.add_argument("--flat", action="store_true", help="all into one folder; with --name telling the answers")
    parser.add_argument("--name", default="{name}", metavar="PATTERN", help="the names there (default: as they are)")
    parser.add_argument("--rename", metavar="PATTERN", help="new names instead, each in the folder where it is")
    parser.add_argument(
        "--at-least", type=share("score"), default=0.0, metavar="S", help="leave answers with a lower score"
    )
    parser.add_argument(
        "--doubtful", action="store_true", help="take those of another kind, and the unsure ones, along"
    )
    parser.add_argument("--skip", action="store_true", help="leave a picture whose name is taken")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    parser.add_argument("--undo", nargs="?", const="", metavar="ID", help="take back the last command, or that one")
    parser.add_argument("--log", nargs="?", const="", metavar="ID", help="list the commands, or what one of them did")
    return parser


def _classified(paths: list[str], manifest: Manifest) -> Iterator[Answered]:
    from desktop.core.pictures.formats import SUPPORTED_SUFFIXES
    from desktop.core.pictures.walk import walk_images
    from desktop.engine.client import EngineClient

    progress, count = console.ProgressLine(), 0

    def lost(event: EngineLost) -> None:
        progress.clear()
        again = phrase("; it was started again") * event.restarting
        console.note(phrase("fovea: the engine ended ({reason})", reason=event.reason) + again)

    with EngineClient() as engine:
        stream = answers(engine, manifest.id, walk_images(paths, SUPPORTED_SUFFIXES), lost)
        with closing(stream):
            for item, result in stream:
                count += 1
                progress.update(phrase("{count:,} classified …", count=count))
                yield answered(ImageSource.from_path(item.path), result)
    progress.clear()


def answered(source: ImageSource, result: Result) -> Answered:
    """What is sorted, from an answer of the engine."""
    if isinstance(result, Failure):
        return Answered(source, state="failed")
    if result.domain is not None and not result.domain.inside:
        return Answered(source, result.answer, result.answer_score, "unlike")
    unsure = result.wording is not None and result.wording.kind == "unsure"
    return Answered(source, result.answer, result.answer_score, "unsure" if unsure else "answered")


def _show(plan: SortPlan, whole: bool) -> None:
    verb = {"copy": phrase("copy"), "move": phrase("move"), "rename": phrase("rename")}[plan.rule.how]
    rows = plan.going
    for row in rows if whole else rows[:_SHOWN]:
        console.say(
            f"{verb}  {console.printable(row.source.path or row.source.name)}  ->  {console.printable(row.target)}"
        )
    if not whole and len(rows) > _SHOWN:
        console.say(phrase("… and {count:,} more", count=len(rows) - _SHOWN))
    for why, count in sorted(plan.reasons.items(), key=lambda pair: -pair[1]):
        console.say(phrase("left  {count:,}: {why}", count=count, why=why))
    if plan.trouble:
        console.complain(plan.trouble)
    if not rows:
        console.say(phrase("nothing to do"))


def _do(actions: FileActions, plan: SortPlan) -> int:
    progress = console.ProgressLine()
    with console.Interrupts(phrase("stopping after this file; what was done can be undone …")) as interrupts:
        outcome = carry_out(
            plan, lambda done, of: progress.update(f"{done:,} of {of:,} …"), lambda: interrupts.asked, actions
        )
    progress.clear()
    going = plan.going
    for number, why in sorted(outcome.left.items()):
        name = console.printable(going[number].source.name)
        console.say(phrase("left  {name}: {why}", name=name, why=why))
    done = len(outcome.done)
    told = {
        "copy": phrase("{count:,} copied", count=done),
        "move": phrase("{count:,} moved", count=done),
        "rename": phrase("{count:,} renamed", count=done),
    }[plan.rule.how]
    status = _told(outcome, told)
    if outcome.done:
        console.say(phrase("'fovea sort --undo {id}' takes it back", id=outcome.id))
    return status


def _told(outcome: FileOutcome, told: str) -> int:
    left = phrase("{count:,} left", count=len(outcome.left))
    console.say(f"{told}; {left}" if outcome.left else told)
    if outcome.cancelled:
        return console.INTERRUPTED
    if outcome.stopped:
        console.complain(outcome.stopped)
    return 1 if outcome.left or outcome.stopped else 0


def _undo(actions: FileActions, action_id: str, dry: bool) -> int:
    if not action_id:
        latest = actions.latest()
        if latest is None:
            console.complain(phrase("there is nothing to take back"))
            return 1
        action_id = latest.id
    rows = actions.rows(action_id)
    if dry:
        for old, new, state, _ in reversed(rows):
            if state == "done":
                place = console.printable(old) if old else phrase("(deleted)")
                console.say(phrase("back  {new}  ->  {old}", new=console.printable(new), old=place))
        return 0
    progress = console.ProgressLine()
    with console.Interrupts(phrase("stopping after this file …")) as interrupts:
        outcome = actions.undo(
            action_id, lambda done, of: progress.update(f"{done:,} of {of:,} …"), lambda: interrupts.asked
        )
    progress.clear()
    for number, why in sorted(outcome.left.items()):
        console.say(phrase("left  {name}: {why}", name=console.printable(rows[number][1]), why=why))
    return _told(outcome, phrase("{count:,} taken back", count=len(outcome.done)))


def _log(actions: FileActions, action_id: str) -> int:
    if action_id:
        for old, new, state, why in actions.rows(action_id):
            tail = f"  ({why})" if why else ""
            console.say(f"{state:<8}{console.printable(old)}  ->  {console.printable(new)}{tail}")
        return 0
    records = actions.records()
    if not records:
        console.say(phrase("no files have been copied, moved or renamed"))
        return 0
    head = ("id", phrase("when"), phrase("what"), phrase("done"), phrase("taken back"), phrase("left"))
    lines = [
        (
            record.id,
            time.strftime("%Y-%m-%d %H:%M", time.localtime(record.when)),
            worded(record.title),
            f"{record.done:,}",
            f"{record.undone:,}",
            f"{record.left:,}",
        )
        for record in records
    ]
    console.say(console.table([head, *lines], right=(3, 4, 5)))
    return 0
