"""What reads like a person's name, and what does not."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.core.data.person_names import is_no_name, may_name_a_person


@pytest.mark.parametrize(
    "name",
    [
        "Surname_Forename_born1961-03-02.jpeg",
        "Hans Müller.png",
        "Doe, Jane.dcm",
        "DOE^JANE.dcm",
        "DOE_JANE_1.png",
        "Jane A. Doe 12.tif",
        "HansMüller.jpg",
        "WeiLi7.dcm",
        "mueller_hans_1961-03-02.jpg",
        "Meier 12.03.1961.png",
        "doe born 1961.png",
        "schmidt geb 1970.png",
        "Chest_XR_Smith_John.png",
        "山田太郎.png",
        "محمد علي.jpg",
        "O'Brien Sean.jpg",
        "Иванов_Иван.dcm",
        "Müller-Lüdenscheidt_Karl.png",
        "patient name Doe.png",
        "IMG_Doe_19610302.jpg",
        "li born 1961.png",
        "doe_tom_1961-03-02.jpg",
        "ЛИ ЮН.dcm",
        "李明.png",
    ],
)
def test_names_of_people_are_taken_for_such(name: str) -> None:
    assert may_name_a_person(name)


@pytest.mark.parametrize(
    "name",
    [
        "IMG_0001.JPEG",
        "IMG_20240131_120000.jpg",
        "DSCN0041.jpg",
        "person100_bacteria_475.jpeg",
        "NORMAL2-IM-0381-0001.jpeg",
        "IM-0115-0001.jpeg",
        "cat.0.jpg",
        "red_car.png",
        "digit-3-pen.png",
        "Screenshot 2024-01-31 12.00.png",
        "Screen Shot 2024-01-31.png",
        "Chest_Xray_01.png",
        "PNEUMONIA",
        "train",
        "0001.png",
        "n02085620_10074.JPEG",
        "ILSVRC2012_val_00000293.JPEG",
        "1.2.840.113619.2.55.3.dcm",
        "",
        "a",
        "…",
        "Photo 12.jpg",
        "WhatsApp Image 2024-01-31.jpeg",
        "Figure_1.png",
        "Summer.Heic",
        "x born 1961.png",
        "born 1961.png",
        "garden_house.png",
        "garden_2024-01-31.jpg",
        "Ab 2024-01-31.jpg",
        "Summer house.jpg",
        "my Garden.jpg",
        "Chest Smith.png",
        "Smith Chest.png",
        "AB CD.png",
        "NOx COx.png",
    ],
)
def test_names_of_things_are_not(name: str) -> None:
    assert not may_name_a_person(name)


def test_words_of_cameras_and_data_sets_name_nobody() -> None:
    assert is_no_name("IMG") and is_no_name("chest") and not is_no_name("Doe")


@given(st.text(max_size=200))
def test_any_text_is_judged(text: str) -> None:
    assert may_name_a_person(text) in (True, False)


def test_a_hostile_name_does_not_hold_it_up() -> None:
    """Every text is looked at once, whatever it holds: no expression that goes back over it again and again."""
    began = time.process_time()
    for text in ("aA" * 50_000, "1-" * 50_000, "Ab_" * 50_000, " " * 100_000, "19" * 50_000):
        may_name_a_person(text)
    assert time.process_time() - began < 30
