"""What a report says, format apart: facts, figures in words, tables, and the gallery of wrong answers.

Nothing here holds a path above the chosen folder, nor a name that :mod:`desktop.core.figures.public_names` hides.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from desktop import __version__
from desktop.core.figures.intervals import Estimate, shown
from desktop.core.figures.public_names import PublicNames, public_naming, public_result
from desktop.core.figures.result import EvaluationResult, Figures, PairedResult, shared_figures
from desktop.core.figures.table import CLASS_METRICS, METRICS, Measure, Measured, in_one, leading, rows_of
from desktop.core.figures.works_here import CardComparison, compatible_with_card
from desktop.core.notices import medical_notice
from desktop.core.translate import on_card
from desktop.system.words import number, phrase, worded

PREVALENCES = (0.01, 0.05, 0.1, 0.2, 0.5)
GALLERY = 48
CLASS_NOTE = phrase("Percent, with 95 % intervals. FPR = 100 − specificity, FNR = 100 − recall.")
_CLASS_COLUMNS = tuple(row for row in CLASS_METRICS if not row.wide)
THUMBNAIL_SIDE = 128
_LISTED = 100

Thumbnails = Callable[[Sequence[int]], Sequence[np.ndarray | None]]
"""From positions in the result to small pictures, uint8 (H, W, 3)."""


@dataclass(frozen=True, slots=True, eq=False)
class Mistake:
    """A wrong answer in the gallery; ``picture`` uint8 (H, W, 3), ``None`` where it is left out or cannot be opened."""

    name: str
    truth: str
    answer: str
    score: float
    truth_score: float
    picture: np.ndarray | None


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """Everything that a report shows. ``shared`` are the figures of ``result`` and ``other`` on the pictures that both
    answered."""

    result: EvaluationResult
    figures: Figures
    mistakes: tuple[Mistake, ...]
    wrong: int
    pictures: bool
    naming: PublicNames
    compatibility: tuple[CardComparison, ...] = ()
    other: EvaluationResult | None = None
    other_compatibility: tuple[CardComparison, ...] = ()
    paired: PairedResult | None = None
    shared: tuple[Figures, Figures] | None = None

    @property
    def title(self) -> str:
        """The heading."""
        return phrase(
            "Evaluation of '{model}' on '{data}'", model=on_card(self.result.model.name), data=self.result.data.title
        )

    @property
    def notice(self) -> str:
        """What must stand on every page; empty for models that are not medical."""
        return medical_notice(self.result.model.medical or self.other is not None and self.other.model.medical)

    @property
    def unanswered(self) -> str:
        """How many pictures have no answer and count in no figure, as a sentence; empty where all were answered."""
        text = self.result.unanswered.rstrip(".")
        return f"{text[:1].upper()}{text[1:]}." if text else ""

    def key_figures(self) -> list[Measured]:
        """The three figures that matter most."""
        return leading(self.figures)

    def positive_label(self) -> str:
        """The class that a threshold, sensitivity and AUC speak of (two labels)."""
        model = self.result.model
        return model.labels[model.positive if model.positive is not None else 1]

    def facts(self) -> list[tuple[str, str]]:
        """What was measured, on what, with what."""
        r, model, data = self.result, self.result.model, self.result.data
        answered = phrase("{count:,}" if r.complete else "{count:,} (stopped early: not all of the data)", count=len(r))
        without = phrase("{count:,} (listed below, not counted)", count=len(r.skipped)) if r.skipped else phrase("none")
        rows: list[tuple[str, str]] = [
            (phrase("Data"), data.title),
            (phrase("Split"), data.split or phrase("the data has none")),
            (phrase("Images answered"), answered),
            (phrase("Images without an answer"), without),
            *([(phrase("Answered"), r.how)] if r.how else []),
            (phrase("Data fingerprint"), data.fingerprint or phrase("not taken")),
            (phrase("Names"), self.naming.words()),
            (
                phrase("Model"),
                phrase(
                    "{name} ({id}, version {version})", name=on_card(model.name), id=model.id, version=model.version
                ),
            ),
            (phrase("Model file, SHA-256"), model.sha256),
            (phrase("Answer"), self.decision()),
            (
                phrase("Numbers"),
                phrase(
                    "the model's output is a probability"
                    if model.scores == "probability"
                    else "the model's output is a model score"
                ),
            ),
        ]
        if data.groups is not None:
            groups = phrase("{count:,}, by file names or DICOM patient numbers", count=data.groups)
            rows.insert(3, (phrase("People or cases"), groups))
        if any(a != b for a, b in data.mapping.items()):
            pairs = "; ".join(f"{a} → {b or phrase('left out')}" for a, b in data.mapping.items() if a != b)
            rows.append((phrase("Classes → labels"), pairs))
        versions = {"fovea": __version__, "python": platform.python_version(), **r.versions}
        rows += [
            (phrase("Computed on"), r.device or phrase("not known")),
            (
                phrase("Time"),
                phrase(
                    "{moment} UTC, took {seconds:.1f} s",
                    moment=r.created[:19].replace("T", " "),
                    seconds=r.elapsed_s,
                ),
            ),
            (phrase("Versions"), ", ".join(f"{name} {version}" for name, version in versions.items())),
        ]
        return rows

    def decision(self) -> str:
        """How the answer follows from the scores, and why so."""
        model = self.result.model
        if model.threshold is None or model.positive is None:
            return phrase("the class with the highest score")
        rule = phrase(
            "'{label}' where its score is at least {threshold:.6g}",
            label=model.labels[model.positive],
            threshold=model.threshold,
        )
        return f"{rule} ({on_card(model.reason)})" if model.reason else rule

    def measures(self) -> list[Measured]:
        """All single figures with their intervals."""
        return rows_of(self.figures)

    def works_here(self) -> list[tuple[str, str]]:
        """'Does it work here?': the model's name where two are compared, and a sentence for each figure of its card."""
        own = self.result.model.name if self.other is not None else ""
        rows = [(own, compared.verdict.sentence) for compared in self.compatibility]
        theirs = self.other.model.name if self.other is not None else ""
        return rows + [(theirs, compared.verdict.sentence) for compared in self.other_compatibility]

    def compared(self) -> list[tuple[Measure, Estimate, Estimate]]:
        """All figures of both results on the pictures that both answered; empty where nothing is compared."""
        if self.shared is None:
            return []
        found = ((row, row.get(self.shared[0]), row.get(self.shared[1])) for row in METRICS)
        return [(row, a, b) for row, a, b in found if a is not None and b is not None]

    def class_heads(self) -> tuple[str, ...]:
        """The columns of the table of classes."""
        return (phrase("Class"), phrase("Images"), phrase("Answers"), *(row.named for row in _CLASS_COLUMNS))

    def class_rows(self) -> list[tuple[str, ...]]:
        """Every class against all others, in percent."""
        return [
            (c.label, f"{c.support:,}", f"{c.predicted:,}", *(brief(row.get(c)) for row in _CLASS_COLUMNS))
            for c in self.figures.classes
        ]

    def group_words(self, group: str) -> str:
        """The figures of one group of the table in a line."""
        rows = [f"{row.brief} {in_one(row, estimate)}" for row, estimate in self.measures() if row.group == group]
        return "; ".join(rows) + "."

    def title_of(self, row: Measure) -> str:
        """What a figure is called here: with the positive class, where it speaks of one."""
        return row.titled(self.positive_label() if self.figures.point is not None else "")

    def predictive(self) -> list[tuple[str, Estimate, Estimate]]:
        """PPV and NPV for some shares of positives; empty for more than two labels."""
        from desktop.core.figures.thresholds import predictive_values

        point = self.figures.point
        if point is None or point.sensitivity.value is None or point.specificity.value is None:
            return []
        return [(f"{share:.0%}", *predictive_values(point, share)) for share in PREVALENCES]

    def steps(self) -> list[tuple[str, str, str]]:
        """Share of images answered, from which score on, and the accuracy among them."""
        steps = self.figures.risk_steps
        return [(f"{step.coverage:.1%}", f"{step.threshold:.4f}", text_of(step.accuracy, True)) for step in steps]

    def confusions(self, most: int = 20) -> list[tuple[str, str, int, int]]:
        """The largest cells off the diagonal: truth, answer, count, images of that truth."""
        matrix = self.figures.matrix.copy()
        sums = matrix.sum(axis=1)
        np.fill_diagonal(matrix, 0)
        order = np.argsort(-matrix, axis=None, kind="stable")[:most]
        labels = self.result.model.labels
        cells = [divmod(int(flat), len(labels)) for flat in order]
        return [(labels[i], labels[j], int(matrix[i, j]), int(sums[i])) for i, j in cells if matrix[i, j]]

    def skipped(self) -> list[tuple[str, str, str]]:
        """Name, class and reason of the images without an answer, the first hundred."""
        return [(s.name, s.class_name, s.message) for s in self.result.skipped[:_LISTED]]

    def card(self) -> list[tuple[str, tuple[str, ...]]]:
        """Intended use and limits, from the model's card."""
        card: dict[str, Any] = self.result.model.card
        heads = (
            ("summary", phrase("What it is")),
            ("intended_use", phrase("Intended use")),
            ("population", phrase("Learnt from")),
            ("limits", phrase("Limits")),
            ("known_failures", phrase("Known failures")),
            ("must_not", phrase("Must not be used for")),
            ("notice", phrase("Notice")),
            ("training_data", phrase("Training data")),
        )
        rows = []
        for key, head in heads:
            value = card.get(key) or ()
            rows.append((head, (on_card(value),) if isinstance(value, str) else tuple(on_card(str(v)) for v in value)))
        return [(head, texts) for head, texts in rows if texts]

    def methods(self) -> list[str]:
        """How the intervals were made, in sentences."""
        lines = [
            phrase("A figure without a value cannot be told from this data; the reason stands in its place."),
            phrase("ECE: top score against share right, 15 bins of equal width."),
        ]
        persons = self.figures.persons
        lines[:0] = _persons_methods(persons) if persons is not None else [worded(_INDEPENDENT)]
        if self.result.model.threshold is not None:
            lines.append(phrase("A threshold that was chosen on this very data would make its figures look too good."))
        return lines


_INDEPENDENT = phrase(
    "Intervals are 95 % intervals: Wilson's score interval for shares (F1 by way of the Jaccard index); DeLong's for "
    "areas under ROC curves (fast form of Sun and Xu, 2014; Newcombe's where all is right); variance recovery (Zou and "
    "Donner, 2008) for means over classes; bootstrap for the others. They take images as independent of each other: "
    "where several show the same person or thing, they are too narrow."
)


def _persons_methods(persons: int) -> list[str]:
    from desktop.core.figures.clustered import FEW

    lines = [
        phrase(
            "Several images belong to one person or case ({persons:,} in all, told by file names or DICOM "
            "numbers). The "
            "intervals are 95 % intervals and rest on persons, not images ('by person'): Wilson's score "
            "interval on the "
            "effective number of images (Rao and Scott, 1992) for shares, F1 by way of the Jaccard index; Obuchowski's "
            "(1997) for areas under ROC curves; the variance over persons for the Brier score; a bootstrap of whole "
            "persons (Field and Welsh, 2007) for the others.",
            persons=persons,
        )
    ]
    if persons < FEW:
        lines.append(phrase("With {persons:,} persons only, no interval is to be relied on much.", persons=persons))
    return lines


def brief(estimate: Estimate | None) -> str:
    """A share in percent with its interval, in as few characters as can be."""
    if estimate is None or estimate.value is None or estimate.low is None or estimate.high is None:
        return f"– {estimate.reason if estimate is not None else ''}"
    value, low, high = (number(100 * each, ".1f") for each in (estimate.value, estimate.low, estimate.high))
    return f"{value} ({low}–{high})"


def text_of(estimate: Estimate | None, percent: bool = False) -> str:
    """A figure with its interval and the number of pictures, or why there is none."""
    if estimate is None:
        return "–"
    estimate = shown(estimate)
    if estimate.value is None:
        return phrase("not known: {bounds}", bounds=estimate.reason)
    scale, spec = (100, ".1f") if percent else (1, ".4f")
    unit = " %" if percent else ""
    text = number(scale * estimate.value, spec)
    if estimate.low is None or estimate.high is None:
        return text + unit + (f" ({worded(estimate.reason)})" if estimate.reason else "")
    low, high = (number(scale * bound, spec) for bound in (estimate.low, estimate.high))
    if not estimate.n:
        return phrase("{value}{unit} ({low} to {high})", value=text, unit=unit, low=low, high=high)
    return phrase("{value}{unit} ({low} to {high}, n = {n:,})", value=text, unit=unit, low=low, high=high, n=estimate.n)


def build_report(
    result: EvaluationResult,
    figures: Figures,
    thumbnails: Thumbnails | None = None,
    keep_names: bool = False,
    other: tuple[EvaluationResult, Figures, PairedResult] | None = None,
) -> Report:
    """Gather a report. ``thumbnails`` opens the pictures of the gallery; without it they are left out."""
    worst = result.top_losses()
    shown = [int(position) for position in worst[:GALLERY]]
    pictures = list(thumbnails(shown)) if thumbnails is not None and shown else [None] * len(shown)
    naming = public_naming(result, keep_names)
    labels = result.model.labels
    mistakes = []
    for position, picture in zip(shown, pictures, strict=True):
        row, truth, answer = result.scores[position], int(result.truth[position]), int(result.predicted[position])
        mistakes.append(
            Mistake(
                naming(result.names[position]), labels[truth], labels[answer], float(row[answer]), float(row[truth]),
                picture,
            )
        )  # fmt: skip
    second, paired, shared = None, None, None
    theirs: tuple[CardComparison, ...] = ()
    if other is not None:
        second, measured, paired = other
        theirs = compatible_with_card(second, measured)
        shared = shared_figures(result, figures, second, measured, paired)
    result = public_result(result, naming)
    if second is not None:
        second = public_result(second, public_naming(second, keep_names))
    return Report(
        result, figures, tuple(mistakes), len(worst), thumbnails is not None, naming,
        compatible_with_card(result, figures), second, theirs, paired, shared,
    )  # fmt: skip
