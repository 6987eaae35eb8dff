"""``fovea teach``: label pictures, see what a head makes of them, make it a model; all that needs no eye on a
picture."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from desktop.cli import console
from desktop.cli.parser import Parser
from desktop.cli.teach_projects import added_to, opened
from desktop.core.types import FoveaError
from desktop.system.words import phrase

if TYPE_CHECKING:
    pass

_EPILOG = """\
PROJECT is a project's id or name, or a folder of pictures: its project is made when it is first named. Pictures stay
where they are and are never changed. Every label is on the disk before the command goes on.

examples:
  fovea teach create "My pets" photos
  fovea teach label my-pets labels.csv --folder photos
  fovea teach suggest my-pets --csv suggestions.csv
  fovea teach accept my-pets --at-least 0.98
  fovea teach make my-pets --name Pets
  fovea teach export my-pets sorted --link

exit status: 0 all well; 1 something failed (the text says what); 2 wrong usage; 130 stopped by Ctrl-C
"""


def main(argv: list[str]) -> int:
    """Run the command; returns its exit status."""
    parser = _parser()
    # A project alone: what is known of it.
    known = {"-h", "--help", *_COMMANDS}
    options = parser.parse_args(argv if not argv or argv[0] in known else ["show", *argv])
    console.quiet_libraries()
    try:
        return int(_COMMANDS[options.command][1](options))
    except FoveaError as error:
        if getattr(options, "json", False):
            console.say(json.dumps({"error": {"kind": error.kind, "message": error.message, "hint": error.hint}}))
        else:
            console.complain(error.message, error.hint)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="fovea teach",
        description="Label pictures, and let a head learn from the labels at once.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    made = {}
    for name, (words, _) in _COMMANDS.items():
        made[name] = commands.add_parser(name, help=words, description=f"{words[0].upper()}{words[1:]}.")
        if name not in ("list", "create", "restore"):
            made[name].add_argument(
                "project", metavar="PROJECT", help="id or name of a project, or a folder of pictures"
            )
        made[name].add_argument("--json", action="store_true", help="JSON instead of text")
    made["list"].add_argument("--deleted", action="store_true", help="those in the trash instead")
    made["create"].add_argument("name", metavar="NAME")
    for name in ("create", "add", "moved"):
        count = "*" if name == "create" else "+"
        made[name].add_argument("paths", metavar="PICTURES", nargs=count, help="files, folders, archives")
    made["rename"].add_argument("name", metavar="NAME")
    made["duplicate"].add_argument("name", metavar="NAME", nargs="?", default="")
    made["restore"].add_argument("token", metavar="TOKEN", help="as 'fovea teach list --deleted' shows it")
    made["label"].add_argument("table", type=Path, metavar="TABLE", help="a CSV: file and label of each picture")
    made["label"].add_argument("--folder", type=Path, metavar="DIR", help="what the table's names are relative to")
    made["import"].add_argument("data", metavar="DATA", help="class folders, an archive, .npz …")
    made["suggest"].add_argument("--csv", type=Path, metavar="FILE", help="write them there instead")
    made["suggest"].add_argument("--most", type=int, default=20, metavar="N", help="show so many (default: 20)")
    made["suggest"].add_argument(
        "--order", choices=("uncertain", "mistakes", "unlike", "newest", "suggested", "drawn"), default="suggested",
        help="which ones first (default: the surest)",
    )  # fmt: skip
    made["accept"].add_argument("--at-least", type=float, required=True, metavar="SCORE", help="0 to 1")
    made["accept"].add_argument("--class", dest="class_name", metavar="NAME", help="suggestions of one class alone")
    made["heaps"].add_argument("--heaps", type=int, default=0, metavar="N", help="so many (default: as many as suit)")
    made["export"].add_argument("target", type=Path, metavar="TARGET", help="a new folder, or a file .csv or .json")
    made["export"].add_argument("--link", action="store_true", help="hard links instead of copies")
    made["make"].add_argument("--name", default="", metavar="NAME", help="what the model is called")
    made["make"].add_argument("--how", choices=("features", "fine-tune"), default="features")
    made["make"].add_argument(
        "--compare", metavar="MODEL", default="", help="hold back some pictures to compare with this older model"
    )
    return parser


# Projects


def _list(options: Any) -> int:
    from dataclasses import asdict

    from desktop.store.projects import ProjectStore

    store = ProjectStore()
    if options.deleted:
        held = store.deleted()
        if options.json:
            console.say(json.dumps([{"token": token, "id": project, "when": when} for token, project, when in held]))
        else:
            console.say("\n".join(token for token, _, _ in held) or "the trash holds no project")
        return 0
    entries = store.entries()
    if options.json:
        console.say(json.dumps([asdict(entry) for entry in entries], indent=1))
    elif not entries:
        console.say("there is no project yet; 'fovea teach create NAME PICTURES' makes one")
    else:
        rows: list[tuple[str, ...]] = [("project", "name", "pictures", "labelled", "classes", "")]
        for e in entries:
            counts = (f"{e.pictures:,}", f"{e.labelled:,}", f"{e.classes:,}")
            rows.append((e.id, console.printable(e.name), *counts, e.problem))
        console.say(console.table(rows, right=(2, 3, 4)))
    return 0


def _create(options: Any) -> int:
    from desktop.store.projects import ProjectStore

    with ProjectStore().create(options.name) as project:
        added = added_to(project, options.paths) if options.paths else {}
        _tell(options, {"project": project.id, **added}, f"project {project.id}" + _added_words(added))
    return 0


def _rename(options: Any) -> int:
    from desktop.store.projects import ProjectStore

    store = ProjectStore()
    store.rename(store.find(options.project), options.name)
    return 0


def _duplicate(options: Any) -> int:
    from desktop.store.projects import ProjectStore

    store = ProjectStore()
    made = store.duplicate(store.find(options.project), options.name)
    _tell(options, {"project": made}, f"project {made}")
    return 0


def _delete(options: Any) -> int:
    from desktop.store.projects import ProjectStore

    store = ProjectStore()
    token = store.delete(store.find(options.project))
    _tell(options, {"token": token}, f"'fovea teach restore {token}' takes it back")
    return 0


def _restore(options: Any) -> int:
    from desktop.store.projects import ProjectStore

    made = ProjectStore().restore(options.token)
    _tell(options, {"project": made}, f"project {made} is back")
    return 0


# Pictures and labels


def _added_words(added: dict[str, int]) -> str:
    if not added:
        return ""
    known = f", {added['known']:,} were there already" if added["known"] else ""
    return f": {added['added']:,} pictures added{known}"


def _add(options: Any) -> int:
    with opened(options.project) as project:
        added = added_to(project, options.paths)
        _tell(options, added, f"project {project.id}{_added_words(added)}")
    return 0


def _label(options: Any) -> int:
    from desktop.app import teaching_exchange

    bar = console.ProgressLine()
    try:
        with opened(options.project) as project, console.Interrupts("stopping; nothing is taken over") as stop:
            found = teaching_exchange.import_table(
                project, options.table, options.folder, lambda n, _: bar.update(f"reading rows: {n:,}"),
                lambda: stop.asked,
            )  # fmt: skip
    finally:
        bar.clear()
    return _imported(options, found)


def _import(options: Any) -> int:
    from desktop.app import teaching_exchange

    bar = console.ProgressLine()
    try:
        with opened(options.project) as project, console.Interrupts("stopping; nothing is taken over") as stop:
            found = teaching_exchange.import_dataset(
                project, options.data, lambda n, _: bar.update(f"taking over: {n:,}"), lambda: stop.asked
            )
    finally:
        bar.clear()
    return _imported(options, found)


def _imported(options: Any, found: Any) -> int:
    from dataclasses import asdict

    lines = [f"{found.labelled:,} pictures were labelled, {found.added:,} of them are new in the project"]
    if found.kept:
        lines.append(f"{found.kept:,} had that label already")
    if found.classes:
        lines.append(f"new classes: {', '.join(console.printable(name) for name in found.classes)}")
    if found.missing_count:
        shown = ", ".join(console.printable(name) for name in found.missing[:3])
        lines.append(f"{found.missing_count:,} named pictures are nowhere, for instance {shown}")
    if found.contradicting:
        lines.append(f"{found.contradicting:,} rows contradict others: of those pictures no label was taken over")
    _tell(options, asdict(found), "\n".join(lines))
    return 0


def _undo(options: Any) -> int:
    with opened(options.project) as project:
        action = project.undo() if options.command == "undo" else project.redo()
    if action is None:
        console.complain(phrase("there is nothing to {command}", command=options.command))
        return 1
    what = "undone" if options.command == "undo" else "done again"
    _tell(options, {"kind": action.kind, "count": action.count}, f"{what}: {action.kind}, {action.count:,} pictures")
    return 0


def _export(options: Any) -> int:
    from dataclasses import asdict

    from desktop.app import teaching_exchange

    ending = options.target.suffix.lower()
    bar = console.ProgressLine()
    try:
        with opened(options.project) as project:
            if ending == ".csv":
                count = teaching_exchange.export_csv(project, options.target)
            elif ending == ".json":
                count = teaching_exchange.export_coco(project, options.target)
            if ending in (".csv", ".json"):
                _say_named(teaching_exchange.person_names(project))
            else:
                with console.Interrupts("stopping; nothing is left behind") as stop:
                    done = teaching_exchange.export_folders(
                        project, options.target, "link" if options.link else "copy",
                        lambda n, total: bar.update(f"exporting: {n:,} of {total:,}"), lambda: stop.asked,
                    )  # fmt: skip
                for name, reason in done.left_out[:20]:
                    console.note(phrase("{name} was left out: {reason}", name=console.printable(name), reason=reason))
                _say_named(teaching_exchange.person_names(project))
                _tell(options, asdict(done), f"{done.pictures:,} pictures, {done.linked:,} of them linked")
                return 1 if done.left_out else 0
    finally:
        bar.clear()
    _tell(options, {"pictures": count}, f"{count:,} labelled pictures")
    return 0


def _say_named(named: int) -> None:
    """Names of files are what labels are told by: they are written as they are, and what they may hold is said."""
    if named:
        words = phrase(
            "fovea: files are called in it as they are, and {named:,} of the names read like a person's", named=named
        )
        console.note(words)


def _tell(options: Any, values: dict[str, Any], text: str) -> None:
    console.say(json.dumps(values) if options.json else text)


def _learning(name: str) -> Any:
    def run(options: Any) -> int:
        from desktop.cli import teach_learning

        return int(getattr(teach_learning, name)(options))

    return run


_COMMANDS: dict[str, tuple[str, Any]] = {
    "list": ("list the projects", _list),
    "show": ("say how far a project is: pictures, labels, accuracy", _learning("show")),
    "create": ("make a project", _create),
    "add": ("add pictures: files, folders, archives", _add),
    "label": ("take over labels from a table of files and labels", _label),
    "import": ("take over labelled data: class folders and whatever else Fovea reads", _import),
    "suggest": ("show what the head takes pictures for", _learning("suggest")),
    "accept": ("take the suggestions from a score on as labels", _learning("accept")),
    "heaps": ("group pictures without a label that are alike", _learning("heaps")),
    "copies": ("find the same, nearly the same, and bursts; the sharpest of each first", _learning("copies")),
    "moved": ("find pictures again that were moved, by their content", _learning("moved")),
    "export": ("write the labels: class folders, .csv or COCO's .json", _export),
    "make": ("make it a model", _learning("make")),
    "undo": ("take back what was done last", _undo),
    "redo": ("do again what was undone last", _undo),
    "rename": ("call a project differently", _rename),
    "duplicate": ("copy a project; its pictures stay where they are", _duplicate),
    "delete": ("put a project into the trash", _delete),
    "restore": ("take a deleted project back", _restore),
}
