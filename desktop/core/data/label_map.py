"""From the classes of some data to the labels of a model: told, or plain to see; never guessed."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from desktop.core.types import FoveaError
from desktop.system.words import phrase

LEFT_OUT = -1
_SHOWN = 20


class LabelMismatch(FoveaError):  # noqa: N818 - what it is, in the user's words
    """Classes that no label was named for. Kind ``labels-differ``; ``classes`` and ``labels`` are both sides,
    ``unmatched`` the classes in question."""

    def __init__(
        self, message: str, hint: str, classes: Sequence[str], labels: Sequence[str], unmatched: Sequence[str]
    ):
        super().__init__("labels-differ", message, hint)
        self.classes = tuple(classes)
        self.labels = tuple(labels)
        self.unmatched = tuple(unmatched)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.message, self.hint, self.classes, self.labels, self.unmatched)


@dataclass(frozen=True, slots=True)
class LabelMap:
    """For each class of the data the number of the model's label, or :data:`LEFT_OUT`.

    ``notes`` says in words what is not plain: names that differ in case, classes left out.
    """

    targets: tuple[int, ...]
    notes: tuple[str, ...] = ()

    def as_dict(self, classes: Sequence[str], labels: Sequence[str]) -> dict[str, str]:
        """Class to label, both as text; empty text for a class left out."""
        return {c: labels[t] if t != LEFT_OUT else "" for c, t in zip(classes, self.targets, strict=True)}


def parse_pairs(pairs: Sequence[str], classes: Sequence[str]) -> dict[str, str]:
    """``a=b`` texts as a dictionary; a class may hold ``=`` itself. Raises :class:`FoveaError`, kind ``bad-map``."""
    out: dict[str, str] = {}
    for pair in pairs:
        places = [i for i, character in enumerate(pair) if character == "="]
        if not places:
            raise FoveaError("bad-map", phrase("'{pair}' is no mapping", pair=pair), "Write it as class=label.")
        at = next((i for i in places if pair[:i] in classes), places[0])
        if pair[:at] in out and out[pair[:at]] != pair[at + 1 :]:
            raise FoveaError(
                "bad-map", phrase("class '{pair}' is mapped twice", pair=pair[:at]), "Name one label for each class."
            )
        out[pair[:at]] = pair[at + 1 :]
    return out


def match_labels(
    classes: Sequence[str], labels: Sequence[str], given: Mapping[str, str] | None = None, by_number: bool = False
) -> LabelMap:
    """Which label each class means.

    ``given`` maps classes to labels (empty text: leave the class out) and goes first; then equal names; then names that
    differ in upper and lower case only, where that leaves no choice, which is noted. ``by_number`` takes the model's
    own label numbers for classes called 0, 1, 2 …. Raises :class:`LabelMismatch` that lists both sides, and
    :class:`FoveaError` of kind ``bad-map`` for a ``given`` name that is on neither side.
    """
    told = dict(given or {})
    _check_told(told, classes, labels)
    exact = {label: index for index, label in enumerate(labels)}
    folded: dict[str, list[int]] = {}
    for index, label in enumerate(labels):
        folded.setdefault(label.casefold(), []).append(index)
    class_folds = [name.casefold() for name in classes]
    targets: list[int] = []
    notes: list[str] = []
    unmatched: list[str] = []
    for name in classes:
        alike = folded.get(name.casefold(), [])
        if name in told:
            targets.append(exact[told[name]] if told[name] else LEFT_OUT)
            if not told[name]:
                notes.append(phrase("class '{name}' was left out, as asked", name=name))
        elif by_number and name.isdecimal() and int(name) < len(labels):
            targets.append(int(name))
        elif name in exact:
            targets.append(exact[name])
        elif len(alike) == 1 and class_folds.count(name.casefold()) == 1:
            targets.append(alike[0])
            notes.append(
                phrase(
                    "class '{name}' was taken for the label '{labels}': they differ in case only",
                    name=name,
                    labels=labels[alike[0]],
                )
            )
        else:
            unmatched.append(name)
    if unmatched:
        raise _mismatch(classes, labels, unmatched)
    if all(target == LEFT_OUT for target in targets):
        raise FoveaError("bad-map", "every class was left out", "Map at least one class to a label.")
    return LabelMap(tuple(targets), tuple(notes))


def _check_told(told: Mapping[str, str], classes: Sequence[str], labels: Sequence[str]) -> None:
    for name, label in told.items():
        if name not in classes:
            raise FoveaError(
                "bad-map",
                phrase("the data has no class '{name}'", name=name),
                phrase("Its classes: {classes}.", classes=_listed(classes)),
            )
        if label and label not in labels:
            raise FoveaError(
                "bad-map",
                phrase("the model has no label '{label}'", label=label),
                phrase("Its labels: {labels}.", labels=_listed(labels)),
            )


def _mismatch(classes: Sequence[str], labels: Sequence[str], unmatched: Sequence[str]) -> LabelMismatch:
    message = phrase(
        "{count} of the data's classes are no label of the model: {unmatched}. Data: {classes}. Model: {labels}",
        one="{count} of the data's classes is no label of the model: {unmatched}. Data: {classes}. Model: {labels}",
        count=len(unmatched),
        unmatched=_listed(unmatched),
        classes=_listed(classes),
        labels=_listed(labels),
    )
    # A likely label makes the line quicker to write; it is only ever a suggestion.
    free = [label for label in labels if label not in classes] or list(labels)
    lines = []
    for name in list(unmatched)[:4]:
        close = difflib.get_close_matches(name.casefold(), [label.casefold() for label in free], 1, 0.5)
        label = next((label for label in free if close and label.casefold() == close[0]), "LABEL")
        lines.append(f'--map "{name}={label}"')
    hint = phrase(
        "Say which label each class means, for instance: {lines} (an empty label leaves a class out).",
        lines=" ".join(lines),
    )
    if all(name.isdecimal() for name in classes):
        hint = phrase("{hint} Where the numbers are the model's own label numbers: --map-numbers.", hint=hint)
    return LabelMismatch(message, hint, classes, labels, unmatched)


def _listed(names: Sequence[str]) -> str:
    more = phrase(" and {count:,} more", count=len(names) - _SHOWN) if len(names) > _SHOWN else ""
    return ", ".join(f"'{name}'" for name in names[:_SHOWN]) + more
