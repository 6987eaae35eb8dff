"""``fovea predict`` as a child process: what it prints, in which order, and how it ends."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest

from desktop.core.notices import NOTICES
from desktop.store.store import ModelStore
from tests.cli.tools import ROOT, SHADES, command, fovea, lines, noise, paint
from tests.core.makers import dicom_bytes
from tests.patience import patient
from tests.store.makers import add_colours

pytestmark = pytest.mark.usefixtures("store")

ANSWER_FIELDS = {"path", "model", "label", "index", "probability", "top", "notices", "elapsed_ms", "prepared_sha256"}
ANSWER_FIELDS |= {"in_domain", "domain_score", "domain_reasons", "answer_set", "error_rate", "general"}
ANSWER_FIELDS |= {"digits", "suits", "notice"}


def test_a_file_and_a_folder_are_answered_in_order_as_json_lines(tmp_path: Path) -> None:
    first = paint(tmp_path / "z.png", "blue")
    paint(tmp_path / "folder" / "p10.png", "green")
    paint(tmp_path / "folder" / "p2.png", "red")
    paint(tmp_path / "folder" / "deep" / "p1.jpg", "blue")
    run = fovea("predict", "--model", "colours", "--json", first, tmp_path / "folder")
    assert run.returncode == 0, run.stderr
    found = lines(run.stdout)
    assert [item["label"] for item in found] == ["blue", "red", "green", "blue"]
    names = ["z.png", "folder/p2.png", "folder/p10.png", "folder/deep/p1.jpg"]
    assert [item["path"] for item in found] == [str(tmp_path / name) for name in names]
    assert all(item.keys() == ANSWER_FIELDS for item in found)


def test_one_answer_holds_what_it_says(tmp_path: Path) -> None:
    run = fovea("predict", "--json", "--top", "2", "--model", "colours", paint(tmp_path / "x.png", "green"))
    (item,) = lines(run.stdout)
    assert item["model"] == "colours" and item["index"] == 1
    assert [entry["label"] for entry in item["top"]] == ["green", "blue"]
    assert item["probability"] == item["top"][0]["probability"] > item["top"][1]["probability"]
    assert item["notices"] == ["stretched from 40×30 to 8×8"]
    assert item["elapsed_ms"].keys() == {"decode", "prepare", "predict"}
    assert all(value >= 0 for value in item["elapsed_ms"].values())
    prepared = np.full((8, 8, 3), SHADES["green"], np.uint8)
    assert item["prepared_sha256"] == hashlib.sha256(prepared.tobytes()).hexdigest()


def test_paths_are_printed_as_they_were_given(tmp_path: Path) -> None:
    paint(tmp_path / "Ünï 日本 نص" / "a.png")
    relative = os.path.join(".", os.path.relpath(tmp_path / "Ünï 日本 نص", ROOT))
    (item,) = lines(fovea("predict", "--model", "colours", "--json", relative).stdout)
    assert item["path"] == os.path.join(relative, "a.png")


def test_bad_files_are_named_and_the_rest_is_answered(tmp_path: Path) -> None:
    (tmp_path / "1-text.jpg").write_text("no picture")
    (tmp_path / "2-empty.png").touch()
    paint(tmp_path / "3-good.png")
    run = fovea("predict", "--model", "colours", "--json", tmp_path, tmp_path / "gone.png")
    assert run.returncode == 1
    found = lines(run.stdout)
    assert [item.get("error", {}).get("kind", "answer") for item in found] == [
        "not-an-image",
        "empty",
        "answer",
        "not-found",
    ]
    for item in found:
        if "error" in item:
            assert item.keys() == {"path", "error"} and item["error"].keys() == {"kind", "message"}
            assert str(tmp_path) not in item["error"]["message"]


def test_a_network_that_gives_no_numbers_gives_no_answer(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (8, 8), (255, 255, 255)).save(tmp_path / "white.png")
    run = fovea("predict", "--model", "colours", "--json", tmp_path)
    (item,) = lines(run.stdout)
    assert run.returncode == 1 and item["error"]["kind"] == "no-result"


def test_people_read_an_aligned_table(tmp_path: Path) -> None:
    for name, shade in (("a.png", "red"), ("b.png", "green")):
        paint(tmp_path / name, shade)
    run = fovea("predict", "--model", "colours", "--top", "3", tmp_path)
    head, *rows = run.stdout.splitlines()
    assert head.split() == ["answer", "model", "score", "file"]
    column = head.index("file")
    assert rows[0].startswith("red") and rows[0][column:].startswith(str(tmp_path / "a.png"))
    assert "(stretched from 40×30 to 8×8)" in rows[0]
    assert len(rows) == 6 and NOTICES["medical"].text not in run.stderr
    assert run.stderr.splitlines() == ["2 answered, 0 failed"]


def test_medical_models_carry_their_notice_once_and_only_for_people(store: ModelStore, tmp_path: Path) -> None:
    add_colours(store, id="tones", medical=True)
    picture = paint(tmp_path / "a.png")
    run = fovea("predict", "--model", "tones", picture, picture)
    assert run.stderr.count(NOTICES["medical"].text) == 1 and NOTICES["medical"].text not in run.stdout
    assert NOTICES["medical"].text not in fovea("predict", "--model", "tones", "--json", picture).stderr


def test_unknown_absent_and_damaged_models(store: ModelStore, tmp_path: Path) -> None:
    picture = paint(tmp_path / "a.png")
    unknown = fovea("predict", "--model", "nothing", picture)
    assert unknown.returncode == 2 and "colours" in unknown.stderr and unknown.stdout == ""
    add_colours(store, id="later", state="weights-not-installed")
    absent = fovea("predict", "--model", "later", picture)
    assert absent.returncode == 1 and "not installed" in absent.stderr and absent.stdout == ""
    weights = store.user_root / "colours" / "model.tflite"
    data = bytearray(weights.read_bytes())
    data[len(data) // 2] ^= 1
    weights.write_bytes(data)
    damaged = fovea("predict", "--model", "colours", "--json", picture, picture)
    assert damaged.returncode == 1
    assert [item["error"]["kind"] for item in lines(damaged.stdout)] == ["damaged", "damaged"]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--model"],
        ["--model", "colours"],
        ["--model", "colours", "--top", "0", "x"],
        ["--model", "c", "--what", "x"],
    ],
)
def test_wrong_usage(arguments: list[str]) -> None:
    run = fovea("predict", *arguments)
    assert run.returncode == 2 and run.stdout == "" and "--help" in run.stderr


def test_siemens_names_are_found_by_content(tmp_path: Path) -> None:
    pixels = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)
    (tmp_path / "series").mkdir()
    (tmp_path / "series" / "MR.0001.IMA").write_bytes(dicom_bytes(pixels))
    (tmp_path / "series" / "notes.xyz").write_text("no picture")
    run = fovea("predict", "--model", "colours", "--json", tmp_path)
    assert run.returncode == 0 and len(run.stdout.splitlines()) == 1 and "MR.0001.IMA" in run.stdout


def test_a_scan_that_finds_nothing_is_a_failure(tmp_path: Path) -> None:
    run = fovea("predict", "--model", "colours", "--json", tmp_path)
    assert (run.returncode, run.stdout) == (1, "") and "no pictures" in run.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems refuse such names")
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_names_that_are_no_text_or_move_the_cursor(tmp_path: Path, encoding: str) -> None:
    good = paint(tmp_path / "good.png")
    os.rename(good, os.path.join(os.fsencode(tmp_path), b"\xff\x1b[2J\n.png"))
    run = fovea("predict", "--model", "colours", tmp_path, PYTHONIOENCODING=encoding)
    assert run.returncode == 0, run.stderr
    assert "\x1b" not in run.stdout and len(run.stdout.splitlines()) == 2
    assert "\\x1b[2J\\n.png" in run.stdout
    (item,) = lines(fovea("predict", "--model", "colours", "--json", tmp_path, PYTHONIOENCODING=encoding).stdout)
    assert os.fsencode(item["path"]) == os.path.join(os.fsencode(tmp_path), b"\xff\x1b[2J\n.png")


def _many(folder: Path, count: int) -> Path:
    """``count`` names of one file: enough work to be caught in the middle of it."""
    first = noise(folder / "0.png", size=(640, 480))
    for index in range(1, count):
        os.link(first, folder / f"{index}.png")
    return folder


def test_more_pictures_than_one_request_holds_stay_in_order(tmp_path: Path) -> None:
    first = paint(tmp_path / "many" / "0.png")
    for index in range(1, 1100):
        if index % 100 == 50:
            (tmp_path / "many" / f"{index}.png").write_text("no picture")
        else:
            os.link(first, tmp_path / "many" / f"{index}.png")
    run = fovea("predict", "--model", "colours", "--json", tmp_path / "many")
    assert run.returncode == 1
    found = lines(run.stdout)
    assert [Path(item["path"]).name for item in found] == [f"{index}.png" for index in range(1100)]
    assert [index for index, item in enumerate(found) if "error" in item] == list(range(50, 1100, 100))


def test_a_reader_that_leaves_early_ends_it_quietly(tmp_path: Path) -> None:
    arguments = command("predict", "--model", "colours", "--json", _many(tmp_path / "many", 3000))
    with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline().startswith(b"{")
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode != 0


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to a whole console")
def test_ctrl_c_keeps_what_was_printed_and_leaves_no_process(tmp_path: Path) -> None:
    arguments = command("predict", "--model", "colours", "--json", _many(tmp_path / "many", 3000))
    with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        first = process.stdout.readline()
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        process.send_signal(signal.SIGINT)
        rest, errors = process.stdout.read(), process.stderr.read()
    assert process.returncode == 130
    assert "Traceback" not in errors and "stopped" in errors
    assert all("label" in item for item in lines(first + rest))
    assert psutil.wait_procs(children, timeout=patient(30))[1] == []


def test_neither_qt_nor_tensorflow_is_loaded(tmp_path: Path) -> None:
    script = (
        "import sys\nif __name__ == '__main__':\n"
        "    from desktop.cli import main\n"
        "    status = main(sys.argv[1:])\n"
        "    heavy = {'PySide6', 'tensorflow', 'keras', 'cv2', 'matplotlib', 'sklearn'} & set(sys.modules)\n"
        "    sys.exit(str(heavy) if heavy else status)\n"
    )
    path = tmp_path / "script.py"
    path.write_text(script)
    picture = paint(tmp_path / "a.png")
    run = subprocess.run(
        [sys.executable, path, "predict", "--model", "colours", "--json", picture],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=patient(100),
    )
    assert run.returncode == 0, run.stderr
    assert lines(run.stdout)[0]["label"] == "red"


def test_nothing_is_written_for_an_answer(fovea_home: Path, tmp_path: Path) -> None:
    before = sorted(fovea_home.rglob("*"))
    assert fovea("predict", "--model", "colours", "--json", paint(tmp_path / "a.png")).returncode == 0
    assert sorted(fovea_home.rglob("*")) == before


def test_general_words_are_said_where_kinds_cannot_be_told_apart() -> None:
    from dataclasses import replace

    import numpy as np

    from desktop.app.answer_json import as_json
    from desktop.cli.predict import spoken
    from desktop.core.trust import general_words
    from desktop.core.types import ImageSource
    from desktop.store.store import ModelStore
    from tests.app.test_answers import prediction

    manifest = ModelStore().get("vgg16-imagenet").manifest
    assert manifest is not None
    words = general_words.for_labels(manifest.label_ids)
    assert words is not None
    labrador, golden = (manifest.labels.index(f"{name} retriever") for name in ("Labrador", "golden"))

    def said(first: float, second: float) -> tuple[str, dict[str, object]]:
        scores = np.full(1000, (1 - first - second) / 998, np.float32)
        scores[labrador], scores[golden] = first, second
        plain = prediction(1, ImageSource("x.jpg", data=b"x"), 0)
        answer = replace(
            plain, index=labrador, label="Labrador retriever", probabilities=scores, wording=words.answer(scores)
        )
        return spoken(answer), as_json("x.jpg", answer, manifest, 2)

    text, held = said(0.45, 0.4)
    assert text == "retriever, perhaps Labrador retriever"
    assert held["label"] == "Labrador retriever" and held["probability"] == pytest.approx(0.45)
    assert held["general"] == {"kind": "word", "word": "retriever", "score": pytest.approx(0.85, abs=0.01)}
    text, held = said(0.8, 0.1)
    assert text == "Labrador retriever"
    assert held["general"] == {"kind": "class", "word": None, "score": pytest.approx(0.8)}
    text, held = said(0.1, 0.05)
    assert text == "not sure, perhaps Labrador retriever" and held["general"]["kind"] == "unsure"  # type: ignore[index]
