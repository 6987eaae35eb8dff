"""``model.json``: everything about a model that is not its weights.

A missing or unknown field is an error: nothing is guessed. The schema is versioned; a newer one than
this program knows is refused by name, an older one is read as what it is: schema 1 knew neither domain gate nor
answer sets, so a model described by it has none.
"""

from __future__ import annotations

import json
import math
import re
import sys
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from desktop.core.figures.decision import answer_of
from desktop.core.types import MAX_CLASSES, PreprocessSpec, StoreError
from desktop.store.model_limits import problem_of_files, problem_of_texts
from desktop.system import strict_json
from desktop.system.strict_json import fields_that_differ
from desktop.system.words import Template, english, phrase

if TYPE_CHECKING:
    from desktop.core.figures.intervals import Estimate

SCHEMA_VERSION = 2
_READABLE = (1, SCHEMA_VERSION)
_SINCE_2 = ("domain", "conformal")
_UNSAID: dict[tuple[str, str], Any] = {("conformal", "side"): 0}
"""Fields that came later, and what their absence says: manifests that need none stay readable for earlier versions."""
ID_PATTERN = re.compile(r"[a-z0-9][a-z0-9-]{0,63}\Z")
_FILE_PATTERN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*){0,3}\Z")
QUANTILES = 21  # of the domain gate's scores: 0, 5 … 100 %
MAX_MANIFEST_BYTES = 8 * 1024 * 1024

State = Literal["ready", "weights-not-installed"]


@dataclass(frozen=True, slots=True)
class Decision:
    """How the answer follows from the scores.

    ``argmax``: the class with the highest score. ``threshold`` (two classes): class ``positive`` where its
    score is at least ``value``, else the other; ``reason`` says how the value was chosen and on which split.
    """

    rule: Literal["argmax", "threshold"] = "argmax"
    positive: int | None = None
    value: float | None = None
    reason: str = ""

    def choose(self, scores: Any) -> int:
        """The index of the answer for one row of ``scores`` (floats, finite, one a class)."""
        threshold = self.value if self.rule == "threshold" else None
        return answer_of(scores, self.positive, threshold)

    def overrules(self, scores: Any) -> bool:
        """Whether the answer for one row of ``scores`` is another class than that of the highest score."""
        return float(scores[self.choose(scores)]) < max(map(float, scores))


@dataclass(frozen=True, slots=True)
class Calibration:
    """Temperature scaling (Guo et al. 2017). The temperature is applied inside the network, before softmax."""

    temperature: float
    split: str
    n: int
    ece_before: float
    ece_after: float


@dataclass(frozen=True, slots=True)
class Domain:
    """The gate that tells pictures of the model's kind from foreign ones; its numbers lie in ``file``.

    A picture whose score (:mod:`desktop.core.trust.domain`, 1 at the limit) is above 1 is flagged. The limit was set on
    ``n`` own pictures of ``split`` that training had not seen; ``refused`` is the share of fresh own pictures that it
    has to be expected to flag (of models made by earlier versions the share of those ``n``), ``quantiles`` the scores
    of those ``n`` at 0, 5 … 100 %, for showing where a picture stands among them.
    """

    file: str
    method: str
    split: str
    n: int
    refused: float
    quantiles: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Conformal:
    """Answer sets that hold the truth at an error rate that the user chooses (split conformal prediction).

    For ``rates[i]`` (ascending) every class whose score is at least ``cutoffs[i]`` belongs to the set; that is 0 where
    the ``n`` pictures of ``split`` are too few for that rate. ``method`` names the rule, see
    :mod:`desktop.core.trust.conformal`. ``covered`` and ``sizes`` say how often the sets held the truth, and how many
    classes they had on average, on ``checked`` pictures of ``checked_split`` that had no part in the cutoffs; empty
    where there were none. ``side`` is the longest shorter side of those ``n`` pictures, in pixels, where they were all
    smaller than what people photograph: larger pictures are none like them (0: they were of any size).
    """

    method: str
    split: str
    n: int
    rates: tuple[float, ...]
    cutoffs: tuple[float, ...]
    checked_split: str = ""
    checked: int = 0
    covered: tuple[float, ...] = ()
    sizes: tuple[float, ...] = ()
    side: int = 0


@dataclass(frozen=True, slots=True)
class Metric:
    """One measured figure: on which data and split, how many images, and its 95 % interval where known."""

    name: str
    value: float
    data: str
    split: str
    n: int
    low: float | None = None
    high: float | None = None

    def shown(self) -> Estimate:
        """The figure as it may be written anywhere: :func:`desktop.core.figures.intervals.shown`."""
        from desktop.core.figures.intervals import Estimate, shown  # NumPy, without which the window starts

        return shown(Estimate(self.value, self.low, self.high, self.n))


@dataclass(frozen=True, slots=True)
class Card:
    """What a person should know before trusting the model; plain sentences."""

    summary: str
    intended_use: str
    limits: tuple[str, ...]
    known_failures: tuple[str, ...] = ()
    must_not: tuple[str, ...] = ()
    population: str = ""
    notice: str = ""
    architecture: str = ""
    parameters: int | None = None
    credits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the model came from: enough to train it again."""

    data: str
    data_licence: str
    fingerprint: str
    plan: dict[str, Any]
    seed: int | None
    parent: str | None
    versions: dict[str, str]
    device: str
    created: str


@dataclass(frozen=True, slots=True)
class Parity:
    """The largest difference in any probability between Keras and the exported file over ``n`` real images."""

    largest_difference: float
    n: int
    data: str


@dataclass(frozen=True, slots=True)
class FileEntry:
    """Checksum and size of one file of the model's folder."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """A model's description. ``outputs`` maps ``probabilities`` (always), ``embedding`` and ``map`` to the
    position of that output in ``model.tflite``. ``scores`` says what the numbers may be called."""

    id: str
    name: str
    task: str
    version: int
    state: State
    preprocess: PreprocessSpec
    labels: tuple[str, ...]
    activation: str
    outputs: dict[str, int]
    scores: Literal["probability", "model score"]
    decision: Decision
    card: Card
    provenance: Provenance
    metrics: tuple[Metric, ...] = ()
    calibration: Calibration | None = None
    parity: Parity | None = None
    label_ids: tuple[str, ...] = ()
    medical: bool = False
    files: dict[str, FileEntry] = field(default_factory=dict)
    domain: Domain | None = None
    conformal: Conformal | None = None
    schema: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        problem = _problem(self)
        if problem:
            raise StoreError("bad-manifest", phrase("model.json: {problem}", problem=problem))

    def to_json(self) -> str:
        """The manifest as indented JSON with a final newline."""
        raw = asdict(self)
        for (part, name), unsaid in _UNSAID.items():
            if raw[part] is not None and raw[part][name] == unsaid:
                del raw[part][name]
        return json.dumps(english(raw), indent=1, allow_nan=False) + "\n"


def _problem(m: Manifest) -> str | None:
    """The first thing wrong with a manifest, or ``None``."""
    if m.schema != SCHEMA_VERSION:
        return phrase(
            "schema {schema} found, {schema_version} expected; a newer Fovea may read it",
            schema=m.schema,
            schema_version=SCHEMA_VERSION,
        )
    if not ID_PATTERN.match(m.id):
        return phrase("id {id} found; expected lower-case letters, digits and hyphens", id=repr(m.id))
    if m.task != "classification":
        return phrase("task {task} found, 'classification' expected", task=repr(m.task))
    if not 2 <= len(m.labels) <= MAX_CLASSES:
        return phrase("{count} labels found, 2 to {max_classes} expected", count=len(m.labels), max_classes=MAX_CLASSES)
    if len(set(m.labels)) != len(m.labels) and len(set(m.label_ids)) != len(m.labels):
        return phrase("two labels are alike")
    if m.label_ids and len(m.label_ids) != len(m.labels):
        return phrase("{count} label ids found for {count2} labels", count=len(m.label_ids), count2=len(m.labels))
    if m.state not in ("ready", "weights-not-installed"):
        return phrase("state {state} is unknown", state=repr(m.state))
    if m.scores not in ("probability", "model score"):
        return phrase("scores are called {scores}; expected 'probability' or 'model score'", scores=repr(m.scores))
    if m.outputs.get("probabilities") is None:
        return phrase("outputs name no 'probabilities'")
    d = m.decision
    if d.rule not in ("argmax", "threshold"):
        return phrase("decision rule {rule} is unknown", rule=repr(d.rule))
    if d.rule == "threshold" and not (
        len(m.labels) == 2 and d.positive in (0, 1) and d.value is not None and 0 < d.value < 1
    ):
        return phrase("a threshold goes with two labels, a positive class of 0 or 1 and a value between 0 and 1")
    for name in m.files:
        if not _FILE_PATTERN.match(name):
            return phrase("file name {name} is not allowed", name=repr(name))
    if m.state == "ready":
        for needed in ("model.tflite",):
            if needed not in m.files:
                return phrase("no checksum for {needed}", needed=needed)
    for metric in m.metrics:
        if not math.isfinite(metric.value):
            return phrase("metric {name} is not a number", name=repr(metric.name))
    long = problem_of_texts(m) or problem_of_files({name: entry.size for name, entry in m.files.items()})
    if long:
        return long
    return _domain_problem(m) or _conformal_problem(m)


def _domain_problem(m: Manifest) -> str | None:
    gate = m.domain
    if gate is None:
        return None
    if m.state == "ready" and gate.file not in m.files:
        return phrase("no checksum for the domain gate's file {file}", file=repr(gate.file))
    if len(gate.quantiles) != QUANTILES or list(gate.quantiles) != sorted(gate.quantiles):
        return phrase(
            "{count} quantiles of the domain gate found; {quantiles} in rising order expected",
            count=len(gate.quantiles),
            quantiles=QUANTILES,
        )
    if not all(math.isfinite(value) for value in gate.quantiles) or not 0 <= gate.refused <= 1:
        return phrase("the domain gate's figures are no numbers in their range")
    return None


def _conformal_problem(m: Manifest) -> str | None:
    sets = m.conformal
    if sets is None:
        return None
    if not sets.rates or list(sets.rates) != sorted(set(sets.rates)) or not all(0 < rate < 1 for rate in sets.rates):
        return phrase("the answer sets' error rates are not fractions in rising order")
    if len(sets.cutoffs) != len(sets.rates) or not all(0 <= cutoff <= 1 for cutoff in sets.cutoffs):
        return phrase(
            "{count} cutoffs of answer sets found; one from 0 to 1 for each of {count2} rates",
            count=len(sets.cutoffs),
            count2=len(sets.rates),
        )
    if any(len(facts) not in (0, len(sets.rates)) for facts in (sets.covered, sets.sizes)):
        return phrase("the answer sets' coverage and sizes do not go with their error rates")
    if sets.side < 0:
        return phrase("a side of {side} pixels of the answer sets' pictures found; 0 or more expected", side=sets.side)
    return None


def from_json(text: str | bytes) -> Manifest:
    """Read a manifest strictly. Raises :class:`StoreError` of kind ``bad-manifest`` that names the field."""
    try:
        raw = strict_json.loads(text, MAX_MANIFEST_BYTES)
    except strict_json.JsonError as error:
        raise StoreError("bad-manifest", phrase("model.json: {error}", error=error)) from error
    if isinstance(raw, dict) and raw.get("schema") not in _READABLE:
        raise StoreError(
            "newer-schema",
            phrase(
                "model.json has schema {get}; this Fovea reads {schema_version}",
                get=repr(raw.get("schema")),
                schema_version=SCHEMA_VERSION,
            ),
            "Update Fovea, or export the model again.",
        )
    if isinstance(raw, dict) and raw["schema"] == 1:
        raw = _upgraded(raw)
    values = _checked(Manifest, raw, "model.json")
    for name, kind in (("id", str), ("name", str), ("task", str), ("version", int), ("activation", str)):
        if type(values[name]) is not kind:
            raise StoreError(
                "bad-manifest", phrase("model.json: '{name}' is not of type {name2}", name=name, name2=kind.__name__)
            )
    if type(values["medical"]) is not bool:
        raise StoreError("bad-manifest", "model.json: 'medical' is neither true nor false")
    values["preprocess"] = _build(PreprocessSpec, values["preprocess"], "preprocess")
    values["decision"] = _build(Decision, values["decision"], "decision")
    values["card"] = _build(Card, values["card"], "card")
    values["provenance"] = _build(Provenance, values["provenance"], "provenance")
    values["metrics"] = tuple(_build(Metric, item, "metrics") for item in _list(values["metrics"], "metrics"))
    optional: tuple[tuple[str, type[Any]], ...] = (
        ("calibration", Calibration),
        ("parity", Parity),
        ("domain", Domain),
        ("conformal", Conformal),
    )
    for name, cls in optional:
        if values[name] is not None:
            later = {field: unsaid for (part, field), unsaid in _UNSAID.items() if part == name}
            given = values[name]
            values[name] = _build(cls, later | given if isinstance(given, dict) else given, name)
    files = values["files"]
    if not isinstance(files, dict):
        raise StoreError("bad-manifest", "model.json: 'files' is not an object")
    values["files"] = {name: _build(FileEntry, entry, f"files.{name}") for name, entry in files.items()}
    for name in ("labels", "label_ids"):
        values[name] = tuple(_list(values[name], name))
        if not all(isinstance(label, str) and label for label in values[name]):
            raise StoreError("bad-manifest", phrase("model.json: '{name}' holds something that is no text", name=name))
    outputs = values["outputs"]
    if not isinstance(outputs, dict) or not all(type(v) is int and v >= 0 for v in outputs.values()):
        raise StoreError("bad-manifest", "model.json: 'outputs' is not an object of numbers")
    try:
        return Manifest(**values)
    except (TypeError, ValueError) as error:
        raise StoreError("bad-manifest", phrase("model.json: {error}", error=error)) from error


def _upgraded(raw: dict[str, Any]) -> dict[str, Any]:
    """The object of a schema 1 manifest as one of today's: what schema 1 could not say is absent."""
    added = sorted(raw.keys() & set(_SINCE_2))
    if added:
        raise StoreError("bad-manifest", phrase("model.json: fields unknown: {added} (in schema 1)", added=list(added)))
    return raw | dict.fromkeys(_SINCE_2) | {"schema": SCHEMA_VERSION}


T = TypeVar("T")


def _list(value: object, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise StoreError("bad-manifest", phrase("model.json: '{name}' is not a list", name=name))
    return value


def _checked(cls: type[Any], raw: object, where: str) -> dict[str, Any]:
    """``raw`` as a dict with exactly the fields of ``cls``."""
    if not isinstance(raw, dict):
        raise StoreError("bad-manifest", phrase("{where} is not an object", where=where))
    names = {f.name for f in fields(cls)}
    missing, unknown = sorted(names - raw.keys()), sorted(raw.keys() - names)
    if missing or unknown:
        raise StoreError("bad-manifest", fields_that_differ(where, missing, unknown))
    return dict(raw)


_SIMPLE: dict[str, tuple[type[Any], ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "int | None": (int, type(None)),
    "float | None": (int, float, type(None)),
    "str | None": (str, type(None)),
    "dict[str, Any]": (dict,),
    "dict[str, str]": (dict,),
    "tuple[str, ...]": (list,),
    "tuple[float, ...]": (list,),
}


def _is_number(item: object) -> bool:
    # A whole number of JSON may have more digits than a float holds.
    return isinstance(item, (int, float)) and not isinstance(item, bool) and abs(item) <= sys.float_info.max


def _build(cls: type[T], raw: object, where: str) -> T:
    """An instance of the flat dataclass ``cls`` from JSON, with each field's type checked."""
    values = _checked(cls, raw, where)
    for f in fields(cls):  # type: ignore[arg-type]
        expected = _SIMPLE.get(str(f.type))
        value = values[f.name]
        if expected and (not isinstance(value, expected) or isinstance(value, bool) and bool not in expected):
            raise StoreError(
                "bad-manifest",
                phrase(
                    "{where}.{name}: {name2} found, {value} expected",
                    where=where,
                    name=f.name,
                    name2=type(value).__name__,
                    value=f.type,
                ),
            )
        if isinstance(value, int) and abs(value) > sys.float_info.max and float in (expected or ()):
            raise StoreError(
                "bad-manifest", phrase("{where}.{name}: a number that is too large", where=where, name=f.name)
            )
        if isinstance(value, list):
            numbers = "float" in str(f.type)
            if not all(_is_number(item) if numbers else isinstance(item, str) for item in value):
                listing = (
                    Template("{where}.{name}: expected a list of numbers")
                    if numbers
                    else Template("{where}.{name}: expected a list of texts")
                )
                raise StoreError("bad-manifest", phrase(listing, where=where, name=f.name))
            values[f.name] = tuple(value)
    try:
        return cls(**values)
    except (TypeError, ValueError) as error:
        raise StoreError("bad-manifest", f"{where}: {error}") from error
