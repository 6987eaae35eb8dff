"""Which names of pictures may be shown: of a medical model's none, of others those that read like nobody's."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from desktop.core.data.dataset import BrokenEntry
from desktop.core.figures.public_names import (
    HIDDEN_TITLE,
    NameHider,
    PublicNames,
    key_file,
    naming_of,
    public_naming,
    public_result,
)
from desktop.core.figures.result import EvaluationResult
from tests.core.figures.makers import made_up

SCORES = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
NAMES = ("Normal/1.png", "Pneumonia/Doe_Jane.png", "Normal/3.png")
PLAIN = "Names of files are written as they are, with the folders inside the data and none above them."


def evaluated(names: tuple[str, ...] = NAMES, title: str = "data", **more: object) -> EvaluationResult:
    return made_up(np.array([0, 1, 0]), SCORES, names=names, title=title, **more)  # type: ignore[arg-type]


def test_a_persons_name_is_a_number_and_the_others_stay() -> None:
    naming = public_naming(evaluated())
    assert [naming(name) for name in NAMES] == ["Normal/1.png", "picture 2", "Normal/3.png"]
    assert naming.hidden == {"Pneumonia/Doe_Jane.png": "picture 2"} and naming.files == {"Doe_Jane.png": "picture 2"}
    assert (naming.total, naming.medical, naming.hides, naming.title_hidden) == (3, False, True, False)
    assert naming.words() == (
        "1 of 3 names of files read like a person's name, or hold a patient's: numbers stand in place of these. "
        "The others are written as they are."
    )


def test_of_a_medical_model_every_name_is_a_number_and_so_is_the_folders() -> None:
    naming = public_naming(evaluated(title="Ward 3", medical=True))
    assert [naming(name) for name in NAMES] == ["picture 1", "picture 2", "picture 3"]
    assert naming.title == HIDDEN_TITLE == "data" and naming.title_hidden and naming.medical
    assert naming.words() == (
        "The names of all 3 files and of their folders and the name of the data's folder are replaced by numbers."
    )
    untitled = public_naming(evaluated(medical=True))
    assert not untitled.title_hidden
    assert untitled.words() == "The names of all 3 files and of their folders are replaced by numbers."


def test_where_nothing_is_hidden_that_is_said() -> None:
    names = ("Normal/1.png", "Pneumonia/2.png", "Normal/3.png")
    naming = public_naming(evaluated(names, "xrays"))
    assert naming.hidden == {} and naming.title == "xrays" and not naming.title_hidden and naming.words() == PLAIN
    folder = public_naming(evaluated(names, "Doe_Jane"))
    assert folder.title == "data" and folder.title_hidden
    assert folder.words() == "The name of the data's folder is hidden; names of files are written as they are."


def test_whoever_wants_to_keep_names_keeps_them() -> None:
    result = evaluated(title="Doe_Jane", medical=True)
    naming = public_naming(result, keep=True)
    assert [naming(name) for name in NAMES] == list(NAMES) and naming.title == "Doe_Jane" and naming.total == 3
    assert not naming.hides and naming.words() == PLAIN
    assert naming.clean("'Doe_Jane.png' is damaged") == "'Doe_Jane.png' is damaged"
    shown = public_result(result, naming)
    assert shown.names == NAMES and shown.data.title == "Doe_Jane"


def test_what_holds_a_patients_name_for_certain_is_hidden_whatever_it_reads_like() -> None:
    naming = naming_of(["1.png", "2.png", "3.png"], False, private=["2.png"])
    assert naming.hidden == {"2.png": "picture 2"} and naming.total == 3 and not naming.medical


def test_a_class_called_like_a_person_names_nobody() -> None:
    name = "Doe_Jane/1.png"
    assert naming_of([name], False).hidden == {name: "picture 1"}
    assert naming_of([name], False, classes=["Doe_Jane"]).hidden == {}


def test_a_hider_numbers_by_place_and_a_name_once() -> None:
    hider = NameHider(True)
    assert hider.take("a/x.png", 7) == "picture 7" and hider.take("a/x.png", 9) == "picture 7"
    assert hider.found().total == 2 and hider.found().files == {"x.png": "picture 7"}


def test_messages_lose_hidden_names_and_those_of_files_beside() -> None:
    naming = naming_of(["Pneumonia/Doe_Jane.png", "a/b.png"], False)
    assert naming.clean("Pneumonia/Doe_Jane.png: damaged") == "picture 1: damaged"
    assert naming.clean("'Doe_Jane.png' is damaged") == "'picture 1' is damaged"
    for quoted in ("'Roe_Mary.png'", "“Roe_Mary.png”", '"Roe_Mary.png"', "'x/Roe_Mary.png'", "'x\\Roe_Mary.png'"):
        cleaned = naming.clean(f"no picture {quoted} is there")
        assert "Roe" not in cleaned and "a file" in cleaned
    assert naming.clean("see (Roe_Mary.png), please") == "see (a file), please"
    assert naming.clean("'b.png' and c.txt are damaged") == "'b.png' and c.txt are damaged"
    assert (
        naming.clean("the folder 'Roe_Mary' is empty") == "the folder 'Roe_Mary' is empty"
    )  # a class may be called so


def test_names_of_several_words_are_found_in_their_quotes_and_every_letter_counts() -> None:
    naming = naming_of(["P/Anna Maria Roe.png", "a/b.png"], False)
    for quoted in ("'Anna Maria Roe.png'", "“Anna Maria Roe.png”", '"Anna Maria Roe.png"'):
        assert naming.clean(f"{quoted} is damaged") == quoted.replace("Anna Maria Roe.png", "picture 1") + " is damaged"
    assert naming.clean("see Xaver_Roe.png here") == "see a file here"
    hider = NameHider(False)
    assert hider.take("cats/1.png", 1) == "cats/1.png" and hider.take("cats/Roe_Mary.png", 2) == "picture 2"


def test_of_a_medical_model_every_file_in_a_message_is_hidden() -> None:
    naming = naming_of(["a/b.png"], True)
    assert naming.clean("b.png, c.dcm and 'd.tiff' are damaged: 1.5 of 3.") == (
        "picture 1, a file and 'a file' are damaged: 1.5 of 3."
    )


def test_what_is_handed_on_holds_no_hidden_name() -> None:
    skipped = (BrokenEntry("Normal/Roe_Mary.png", "Normal", "truncated", "Roe_Mary.png ends early."),)
    result = evaluated(title="Doe_Jane", skipped=skipped, private=("Normal/3.png",))
    result = replace(result, data=replace(result.data, problems=("'Doe_Jane.png' twice",)))
    naming = public_naming(result)
    shown = public_result(result, naming)
    assert shown.names == ("Normal/1.png", "picture 2", "picture 3")
    assert [(item.name, item.message, item.kind) for item in shown.skipped] == [
        ("picture 4", "picture 4 ends early.", "truncated")
    ]
    assert shown.data.problems == ("'picture 2' twice",) and shown.data.title == "data"
    assert shown.data.root == "" and shown.data.private == () and shown.data.fingerprint == result.data.fingerprint
    assert public_result(result, PublicNames()).data.title == "Doe_Jane"  # a naming of names alone


def test_the_key_says_which_number_is_which_file() -> None:
    stream = io.StringIO(newline="")
    public_naming(evaluated(("=1+1.png", "Pneumonia/Doe_Jane.png", "x.png"), medical=True)).write_key(stream)
    assert stream.getvalue().splitlines() == [
        "shown as,name", "picture 1,'=1+1.png", "picture 2,Pneumonia/Doe_Jane.png", "picture 3,x.png",
    ]  # fmt: skip
    assert key_file(Path("/out/table.csv")) == Path("/out/table - key to names.csv")


@pytest.mark.parametrize("name", ["b.png", "b"])
def test_a_naming_is_empty_where_nothing_was_asked(name: str) -> None:
    assert PublicNames()(name) == name and PublicNames().hides and not PublicNames().medical
