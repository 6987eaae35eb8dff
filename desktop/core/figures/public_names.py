"""Names of pictures as others may see them: one rule for reports, tables and figures, whoever writes them.

What a file or a folder is called may be a patient's name, whether or not its header says so. Of a medical model's
pictures every name becomes a number; of other models' those that hold their DICOM patient's name or number, and those
that read like a person's name (:func:`desktop.core.data.person_names.may_name_a_person`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TextIO

from desktop.core.data.person_names import may_name_a_person
from desktop.core.figures.result import EvaluationResult
from desktop.system.csv_cells import CsvWriter
from desktop.system.words import phrase

_QUOTED = re.compile(r"'([^']+)'|“([^”]+)”|\"([^\"]+)\"")
_FILE = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,4}$")
HIDDEN_TITLE = "data"
"""What data are called whose own name is hidden."""


@dataclass(frozen=True, slots=True)
class PublicNames:
    """From a picture's name to the one that may be shown: call it.

    ``hidden`` holds the names that became numbers, in order, ``files`` the same without their folders; ``title`` what
    the data are called; ``total`` how many pictures there are, ``medical`` whether all are hidden because of the model.
    """

    hidden: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    title: str = ""
    title_hidden: bool = False
    total: int = 0
    medical: bool = False
    hides: bool = True

    def __call__(self, name: str) -> str:
        return self.hidden.get(name, name)

    def words(self) -> str:
        """Exactly what is hidden, in one sentence; the same in the window, in reports and on the command line."""
        title = phrase(" and the name of the data's folder") if self.title_hidden else ""
        if not self.hidden and not title:
            return phrase(
                "Names of files are written as they are, with the folders inside the data and none above them."
            )
        if not self.hidden:
            return phrase("The name of the data's folder is hidden; names of files are written as they are.")
        if self.medical:
            return phrase(
                "The names of all {total:,} files and of their folders{title} are replaced by numbers.",
                total=self.total,
                title=title,
            )
        return phrase(
            "{count:,} of {total:,} names of files read like a person's name, or hold a "
            "patient's: numbers stand in place of these{title}. The others are written as they "
            "are.",
            count=len(self.hidden),
            total=self.total,
            title=title,
        )

    def clean(self, text: str) -> str:
        """``text`` without any hidden name of a file, and without those of files that are not among the pictures."""
        if not self.hides:
            return text
        quoted = [next(filter(None, found)) for found in _QUOTED.findall(text)]
        for word in [*quoted, *(part.strip("'\"“”,:;.()") for part in text.split())]:
            shown = self.hidden.get(word) or self.files.get(word)
            if not shown and any(map(may_name_a_person, word.replace("\\", "/").split("/"))):
                shown = "a file" if _FILE.search(word) else ""
            elif not shown and self.medical and _FILE.search(word):
                shown = "a file"
            if shown:
                text = text.replace(word, shown)
        return text

    def write_key(self, stream: TextIO) -> None:
        """Which number is which file, as CSV: for whoever holds the pictures, not to be handed on."""
        writer = CsvWriter(stream)
        writer.writerow(["shown as", "name"])
        for name, shown in self.hidden.items():
            writer.writerow([shown, name])


def public_naming(result: EvaluationResult, keep: bool = False) -> PublicNames:
    """How the names of ``result`` may be shown; all of them as they are where the user wants to ``keep`` them."""
    names = [*result.names, *(item.name for item in result.skipped)]
    title = result.data.title
    if keep:
        return PublicNames(title=title, total=len(names), hides=False)
    medical = result.model.medical
    found = naming_of(names, medical, result.data.private, result.data.classes)
    title_hidden = title != HIDDEN_TITLE and (medical or may_name_a_person(title))
    return replace(found, title=HIDDEN_TITLE if title_hidden else title, title_hidden=title_hidden)


class NameHider:
    """Decides name by name: :meth:`take` gives the one to show, :meth:`found` what was hidden so far."""

    def __init__(self, medical: bool, private: Sequence[str] = (), classes: Sequence[str] = ()) -> None:
        self._medical, self._private, self._classes = medical, set(private), set(classes)
        self._hidden: dict[str, str] = {}
        self._total = 0

    def take(self, name: str, number: int) -> str:
        """``name``, a path inside the data with forward slashes, or what stands in its place; ``number`` its place."""
        self._total += 1
        if not (self._medical or name in self._private or self._reads_like_one(name)):
            return name
        return self._hidden.setdefault(name, f"picture {number}")

    def _reads_like_one(self, name: str) -> bool:
        return any(may_name_a_person(part) for part in name.split("/") if part not in self._classes)

    def found(self) -> PublicNames:
        """What was hidden, for its words, its key and for messages."""
        files = {name.rsplit("/", 1)[-1]: shown for name, shown in self._hidden.items()}
        return PublicNames(self._hidden, files, total=self._total, medical=self._medical)


def naming_of(
    names: Iterable[str], medical: bool, private: Sequence[str] = (), classes: Sequence[str] = ()
) -> PublicNames:
    """How ``names`` may be shown; a name's number is its place among them. ``private`` hold a patient's name for
    certain; folders called like one of ``classes`` name no person."""
    hider = NameHider(medical, private, classes)
    for number, name in enumerate(names, 1):
        hider.take(name, number)
    return hider.found()


def public_result(result: EvaluationResult, naming: PublicNames) -> EvaluationResult:
    """``result`` as it may be handed on: no hidden name in its names, its refusals, its problems or its title."""
    skipped = tuple(
        replace(item, name=naming(item.name), message=naming.clean(item.message)) for item in result.skipped
    )
    problems = tuple(naming.clean(text) for text in result.data.problems)
    return replace(
        result, names=tuple(naming(name) for name in result.names), skipped=skipped,
        data=replace(result.data, title=naming.title or result.data.title, problems=problems, root="", private=()),
    )  # fmt: skip


def key_file(path: Path) -> Path:
    """Where the key to the file ``path`` lies."""
    return path.with_name(f"{path.stem} - key to names.csv")
