"""``fovea predict``: classify files and folders, one line an answer, in order, while they come."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import closing

from desktop.app.answer_json import as_json, places_json, told_path, top_classes
from desktop.app.answers import Answerable, Result, answers, pictures_among
from desktop.cli import console, predict_cluster
from desktop.cli.parser import Parser
from desktop.core.figures.decision import in_place_of_score
from desktop.core.notices import NOTICES
from desktop.core.pictures.studies import FoundFrame, LeftOut, ReadingHeads
from desktop.core.trust.conformal import DEFAULT_RATE, RATES
from desktop.core.trust.reasons import NOTICED, REASONS, told
from desktop.core.trust.suiting import WORDS
from desktop.core.types import StoreError
from desktop.engine.messages import EngineLost, Failure, Prediction
from desktop.store.manifest import Manifest
from desktop.store.store import ModelStore
from desktop.system.words import phrase

_JSON_TOP = 5
_RATE_WORDS = ", ".join(f"{rate:g}" for rate in RATES)
_LABEL_WIDTH, _WORDED_WIDTH = 28, 44

_EPILOG = """\
A folder is searched through all levels; hidden files are passed over. Answers come in the order of the pictures.
DICOM files that belong to one series come together, in the order of their places in the patient, a line a frame; so do
the frames of one file, and what a DICOMDIR lists. The lines of a study name the folder or DICOMDIR that was given,
study, series and frame; what its files are called is often a name, and is said with --files alone.

With --json every picture gives one object on a line of its own:
  path, model, label, index, probability, top (list of label, probability), notices (list of texts),
  elapsed_ms (decode, prepare, predict), prepared_sha256, in_domain (whether the picture is of the kind that the
  model was trained on; null where the model cannot tell), domain_score (0 is the middle of its own pictures, above 1
  is not its kind), domain_reasons (why not, in codes; "unlike" where no more is known), answer_set (labels to reckon
  with at the error rate error_rate; null where the model was not calibrated for that, and for pictures that are not its
  kind), general (the more general word, of a model that knows words), digits (label, probability of each digit, of a
  picture that holds several), suits (the model at hand that would suit a picture of another kind, or null), notice (of
  medical models)
  - or, where it failed, path and error (kind, message);
  - a frame of a study or of a DICOM file of several frames also study and series (counted from 1 in what was given),
  series_number (as in the file, or null), modality, frame and frames (from 1), with --files also file.
With --camera 'path' is the camera's or video's name and the frame's number: always the newest frame is answered, those
that came meanwhile are left out. Nothing is stored.
A picture that is not of the model's kind has no answer in the table for people; --top K lists its scores all the same.
Where a threshold made the answer against the higher score, the threshold stands in place of the lower one.
Of a hundred pictures like those the model learned from, answer sets hold the right label for at least
100 x (1 - error_rate); of a single picture, and of pictures of another kind, that says nothing.
'label' follows the model's decision rule, which need not be the highest score; 'probability' is the score of 'label'.

exit status: 0 every picture was answered; 1 some failed, none was found, or the model is not installed or damaged;
2 wrong usage, an unknown model among it; 130 stopped by Ctrl-C (what was printed until then holds).
"""


def main(argv: list[str]) -> int:
    """Run the command; returns its exit status (0 all answered, 1 some failed, 2 usage)."""
    parser = _parser()
    options = parser.parse_args(argv)
    predict_cluster.check(options, parser.error)
    if not options.resume and bool(options.paths) == bool(options.camera):
        parser.error(phrase("either pictures or --camera are needed"))
    if not options.resume and not options.model:
        parser.error(phrase("the following arguments are required: --model"))
    if options.frames and not options.camera:
        parser.error(phrase("--frames goes with --camera"))
    if options.cluster:
        return predict_cluster.run(options, lambda progress: _pictures(options.paths, progress))
    store = ModelStore()
    try:
        manifest = store.require(options.model).manifest
    except StoreError as error:
        console.complain(error.message, error.hint)
        return 2 if error.kind == "no-such-model" else 1
    assert manifest is not None
    if options.camera:
        from desktop.cli.predict_camera import run

        return run(options, manifest, writer_for(options, manifest))
    return _run(options, manifest)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="fovea predict",
        description="Classify pictures.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", metavar="ID", help="the model; 'fovea models list' names them")
    parser.add_argument(
        "--top",
        type=_count,
        metavar="K",
        help=phrase("how many classes to list (default: 1, with --json {json_top})", json_top=_JSON_TOP),
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument(
        "--error-rate",
        type=_rate,
        default=DEFAULT_RATE,
        metavar="R",
        help=phrase(
            "how often the list of possible answers may leave out the right one, one of {rate_words} "
            "(default: {default_rate:g})",
            rate_words=_RATE_WORDS,
            default_rate=DEFAULT_RATE,
        ),
    )
    parser.add_argument(
        "--camera",
        metavar="N",
        help="instead of files: a camera's number, a video file or an address; ends with the video or by Ctrl-C",
    )
    parser.add_argument("--frames", type=_count, metavar="N", help="with --camera: end after so many answers")
    parser.add_argument(
        "--files", action="store_true", help=phrase("of the pictures of a study: name their files, too")
    )
    predict_cluster.add_options(parser)
    parser.add_argument(
        "paths", nargs="*", metavar="PATH", help=phrase("a picture, a folder of pictures, or a DICOMDIR")
    )
    return parser


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def _rate(text: str) -> float:
    value = float(text)
    if value not in RATES:
        raise ValueError
    return value


_rate.__name__ = "error rate"
_count.__name__ = "count"  # argparse names the type in its error: "invalid count value: '0'"


def _run(options: argparse.Namespace, manifest: Manifest) -> int:
    from desktop.core.pictures.formats import EXPECTED
    from desktop.engine.client import EngineClient

    progress = console.ProgressLine()
    writer = writer_for(options, manifest)
    if manifest.medical and not options.json:
        console.note(NOTICES["medical"].text)
    answered = failed = 0

    def lost(event: EngineLost) -> None:
        progress.clear()
        console.note(
            phrase("fovea: the engine ended ({reason})", reason=event.reason)
            + (phrase("; it was started again") * event.restarting)
        )

    def idle() -> None:
        progress.update(phrase("{answered:,} answered, {failed:,} failed …", answered=answered, failed=failed))

    with EngineClient() as engine:
        stream = answers(engine, manifest.id, _pictures(options.paths, progress), lost, idle, advised=True)
        with closing(stream):
            try:
                for item, result in stream:
                    answered += isinstance(result, Prediction)
                    failed += isinstance(result, Failure)
                    progress.clear()
                    writer.write(item, result, manifest)
            finally:
                progress.clear()
    if not answered and not failed:
        console.note(
            phrase("fovea: no pictures found; expected {expected}, by suffix or by content", expected=EXPECTED)
        )
        return 1
    elif not options.json and answered + failed > 1:
        console.note(phrase("{answered:,} answered, {failed:,} failed", answered=answered, failed=failed))
    return 1 if failed else 0


def _pictures(paths: list[str], progress: console.ProgressLine) -> Iterator[Answerable]:
    """The pictures among ``paths``, frame by frame."""

    def heard(found: ReadingHeads | LeftOut) -> None:
        if isinstance(found, ReadingHeads):
            words = phrase(
                "reading the headers of DICOM files: {done:,} of {total:,} …", done=found.done, total=found.total
            )
            progress.update(words)
            return
        progress.clear()
        words = phrase(
            "fovea: left out DICOM objects that hold no picture, as reports do: {count:,}", count=found.count
        )
        console.note(words)

    return pictures_among(paths, heard)


def writer_for(options: argparse.Namespace, manifest: Manifest) -> JsonWriter | TextWriter:
    """What prints the answers as the options ask for."""
    if options.json:
        return JsonWriter(options.top or _JSON_TOP, options.error_rate, options.files)
    return TextWriter(manifest, options.top or 1, options.files)


def place_words(item: FoundFrame) -> str:
    """Study, series and frame in words; '' for a picture by itself."""
    series = item.series
    frame = phrase("frame {at:,} of {total:,}", at=item.at, total=item.count)
    if not series.belongs:
        return frame if item.count > 1 else ""
    number = str(series.number if series.number is not None else series.ordinal)
    place = phrase("study {study}, series {number}", study=str(series.study), number=number)
    if series.parts > 1:
        place = phrase("{place}, part {part} of {parts}", place=place, part=series.part, parts=series.parts)
    if series.modality:
        place = phrase("{place} ({kind})", place=place, kind=series.modality)
    return phrase("{place}, {frame}", place=place, frame=frame)


def outside(result: Prediction) -> bool:
    """Whether the picture is not of the model's kind, so that no class is the answer; several digits are found one by
    one, whatever the sheet looks like."""
    return result.domain is not None and not result.domain.inside and not result.several


def spoken(result: Prediction) -> str:
    """The answer in a line: a class, a general word with the class that it perhaps is, or what it perhaps is; of
    several digits each; of a picture that is not of the model's kind that there is none."""
    if result.several:
        return f"{len(result.several)} digits: {' '.join(label for label, _ in result.several)}"
    if outside(result):
        return str(phrase("no answer"))
    wording = result.wording
    if wording is None or wording.kind == "class":
        return result.label
    return f"{wording.word or phrase('not sure')}, perhaps {result.label}"


def scored(result: Prediction, manifest: Manifest) -> str:
    """The figure beside :func:`spoken`: the answer's score, the threshold where that made the answer against the higher
    score, of several digits the lowest; none where there is no answer."""
    if outside(result):
        return ""
    if result.several:
        return f"{min(score for _, score in result.several):.3f}"
    rule, scores = manifest.decision, result.probabilities
    threshold = rule.value if rule.rule == "threshold" else None
    ruled = in_place_of_score(
        result.index, float(scores[result.index]), float(scores.max()), rule.positive, threshold, "{:.3f}".format
    )
    return ruled or f"{result.answer_score:.3f}"


class JsonWriter:
    """One object a line, in ASCII: any stream and any program can take it."""

    def __init__(self, top: int, error_rate: float, files: bool) -> None:
        self._top, self._error_rate, self._files = top, error_rate, files

    def write(self, item: Answerable, result: Result, manifest: Manifest) -> None:
        """Print one answer."""
        said = as_json(told_path(item), result, manifest, self._top, self._error_rate)
        console.say_json(said | places_json(item, self._files), allow_nan=False)


class TextWriter:
    """Aligned lines for people: answer, score, file, and what was done to the picture."""

    def __init__(self, manifest: Manifest, top: int, files: bool = False) -> None:
        self._top, self._files = top, files
        widest = _WORDED_WIDTH if manifest.label_ids else _LABEL_WIDTH  # 'dog, perhaps Labrador retriever'
        self._width = min(
            widest, max(len("answer"), *(len(label) for label in manifest.labels)) + widest - _LABEL_WIDTH
        )
        self._score_width = len(manifest.scores)
        self._headed = False
        self._failure: tuple[str, str] | None = None

    def write(self, item: Answerable, result: Result, manifest: Manifest) -> None:
        """Print one answer, the first one below a head."""
        path = self._called(item)
        if not self._headed:
            self._headed = True
            console.say(f"{'answer':<{self._width}}  {manifest.scores}  file")
        if isinstance(result, Failure):
            self._write_failure(path, result)
            return
        said = [notice.text for notice in result.notices]
        if result.domain is not None and not result.domain.inside:
            sentences = [NOTICES["other-kind"].text]
            # What was noticed while preparing is said by its notice.
            sentences += [REASONS[code] for code in told(result.domain) if code not in NOTICED]
            if result.suits:
                sentences += [WORDS[result.suits], phrase("Try --model {suits}.", suits=result.suits)]
            said.insert(0, " ".join(sentences).rstrip("."))
        notices = f"  ({'; '.join(said)})" if said else ""
        console.say(f"{self._line(spoken(result), scored(result, manifest))}  {console.printable(path)}{notices}")
        if self._top > 1:
            for label, other in top_classes(result, manifest.labels, self._top):
                if label != result.label or outside(result):
                    console.say(self._line(f"  {label}", f"{other:.3f}"))

    def _called(self, item: Answerable) -> str:
        """What a picture is called on its line."""
        words = place_words(item) if isinstance(item, FoundFrame) else ""
        path = item.path if self._files else told_path(item)
        return f"{path}: {words}" if words else path

    def _write_failure(self, path: str, failure: Failure) -> None:
        console.say(f"{self._line(phrase('no answer'), '')}  {console.printable(path)}: {failure.message}")
        # The advice is worth reading once, not below each of a thousand files.
        if failure.hint and (failure.kind, failure.hint) != self._failure:
            self._failure = (failure.kind, failure.hint)
            console.note(phrase("fovea: {hint}", hint=failure.hint))

    def _line(self, label: str, score: str) -> str:
        return f"{console.printable(label):<{self._width}}  {score:>{self._score_width}}"
