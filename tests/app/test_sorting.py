"""What would be done with pictures by their answers: names, folders, collisions, and what is left."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from desktop.app.sorting import (
    OTHER_KIND,
    UNSURE,
    Answered,
    SortError,
    SortRule,
    carry_out,
    check_pattern,
    plan_sorting,
)
from desktop.core.data.dataset import look_of
from desktop.core.data.file_names import folder_names, plain_name
from desktop.core.types import ImageSource
from desktop.store.file_actions import FileActions
from desktop.system import files


def pictures(folder: Path, *answers: tuple[str, str]) -> list[Answered]:
    """Files in ``folder`` with their answers."""
    out = []
    for name, answer in answers:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode("utf-8", "surrogateescape"))
        out.append(Answered(ImageSource.from_path(str(path)), answer, 0.9, "answered"))
    return out


def targets(plan: object, root: Path) -> list[str]:
    return [Path(row.target).relative_to(root).as_posix() for row in plan.going]  # type: ignore[attr-defined]


def test_into_folders_by_answer(tmp_path: Path) -> None:
    held = pictures(tmp_path / "in", ("a.jpg", "cat"), ("b.JPG", "dog"), ("sub/a.jpg", "cat"), ("c.jpg", "a/b: c?"))
    plan = plan_sorting(held, SortRule("copy", str(tmp_path / "out")))
    assert targets(plan, tmp_path / "out") == ["cat/a.jpg", "dog/b.JPG", "cat/a (2).jpg", "a_b_ c_/c.jpg"]
    assert sorted(plan.folders.values()) == [1, 1, 2] and plan.trouble == "" and not (tmp_path / "out").exists()
    outcome = carry_out(plan)
    assert len(outcome.done) == 4 and (tmp_path / "out/cat/a (2).jpg").read_bytes() == b"sub/a.jpg"
    FileActions().undo(outcome.id)
    assert not (tmp_path / "out").exists() and len(list((tmp_path / "in").rglob("*.jpg"))) == 3


def test_renaming_by_pattern_where_they_are(tmp_path: Path) -> None:
    held = pictures(tmp_path, ("x.png", "cat"), ("y.png", "cat"), ("z.png", "dog"), ("cat 002.png", "dog"))
    plan = plan_sorting(held, SortRule("rename", pattern="{answer} {number}"), "m")
    # 'cat 002.png' is still there when its name is asked for: taken, whatever becomes of it later.
    assert targets(plan, tmp_path) == ["cat 001.png", "cat 002 (2).png", "dog 001.png", "dog 002.png"]
    carry_out(plan)
    assert {p.name: p.read_text() for p in tmp_path.glob("*.png")} == {
        "cat 001.png": "x.png",
        "cat 002 (2).png": "y.png",
        "dog 001.png": "z.png",
        "dog 002.png": "cat 002.png",
    }
    again = plan_sorting(
        [Answered(ImageSource.from_path(str(tmp_path / "cat 001.png")), "cat", 0.9, "answered")],
        SortRule("rename", pattern="{answer} {number}"),
    )
    assert again.going == [] and "already" in again.rows[0].why


def test_moving_what_is_there_already_does_nothing(tmp_path: Path) -> None:
    held = pictures(tmp_path / "cat", ("a.jpg", "cat"))
    plan = plan_sorting(held, SortRule("move", str(tmp_path)))
    assert plan.going == [] and "already" in plan.rows[0].why


def test_what_is_doubtful_is_left_unless_it_is_wanted(tmp_path: Path) -> None:
    files_of = [each.source for each in pictures(tmp_path, *[(f"{n}.png", "") for n in range(6)])]
    held = [
        Answered(files_of[0], "cat", 0.95, "answered"),
        Answered(files_of[1], "cat", 0.4, "answered"),
        Answered(files_of[2], "cat", 0.99, "unlike"),
        Answered(files_of[3], "cat", 0.2, "unsure"),
        Answered(files_of[4], "", 0.0, "failed"),
        Answered(files_of[5], "", 0.0, "pending"),
    ]
    plan = plan_sorting(held, SortRule("move", str(tmp_path / "out"), at_least=0.5))
    assert targets(plan, tmp_path / "out") == ["cat/0.png"] and len(plan.reasons) == 5
    plan = plan_sorting(held, SortRule("move", str(tmp_path / "out"), doubtful=True))
    assert targets(plan, tmp_path / "out") == ["cat/0.png", "cat/1.png", f"{OTHER_KIND}/2.png", f"{UNSURE}/3.png"]


def test_a_class_called_like_the_folder_of_doubt_has_one_of_its_own() -> None:
    named = folder_names(
        ["Not its kind", OTHER_KIND, "CON", "con.png", "..", "a.", "", ".hidden", "a/b", "a_b", "LPT¹"]
    )
    assert len({look_of(name) for name in named.values()}) == len(named)
    assert named["CON"] == "_CON" and named["con.png"] == "_con.png" and named[".hidden"] == "_hidden"
    assert named["a/b"] == "a_b" and named["a_b"] == "a_b (2)" and named["LPT¹"] == "_LPT¹"


def test_taken_names_get_a_number_or_are_left(tmp_path: Path) -> None:
    held = pictures(tmp_path / "in", ("A.jpg", "cat"), ("b.jpg", "cat"))
    (tmp_path / "out/cat").mkdir(parents=True)
    (tmp_path / "out/cat/a.JPG").write_bytes(b"mine")  # the same name on Windows and macOS
    plan = plan_sorting(held, SortRule("copy", str(tmp_path / "out")))
    assert targets(plan, tmp_path / "out") == ["cat/A (2).jpg", "cat/b.jpg"]
    plan = plan_sorting(held, SortRule("copy", str(tmp_path / "out"), skip=True))
    assert targets(plan, tmp_path / "out") == ["cat/b.jpg"] and "of that name" in plan.rows[0].why


def test_links_are_left_and_double_rows_too(tmp_path: Path) -> None:
    held = pictures(tmp_path / "in", ("a.jpg", "cat"))
    (tmp_path / "in/link.jpg").symlink_to(tmp_path / "in/a.jpg")
    link = Answered(ImageSource.from_path(str(tmp_path / "in/link.jpg")), "cat", 1.0, "answered")
    plan = plan_sorting([*held, link, *held], SortRule("move", str(tmp_path / "out")))
    assert len(plan.going) == 1 and [row.why for row in plan.left] == [
        "it is a link or no plain file",
        "it is listed twice",
    ]


def test_a_picture_held_in_memory_is_written(tmp_path: Path) -> None:
    held = [Answered(ImageSource("Camera 1.png", data=b"png"), "cat", 0.9, "answered")]
    outcome = carry_out(plan_sorting(held, SortRule("move", str(tmp_path / "out"))))
    assert outcome.done == [0] and (tmp_path / "out/cat/Camera 1.png").read_bytes() == b"png"
    assert "no file of its own" in plan_sorting(held, SortRule("rename", pattern="{answer}")).rows[0].why


def test_trouble_is_found_before_anything_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = pictures(tmp_path / "in", ("a.jpg", "cat"))
    (tmp_path / "file").write_bytes(b"")
    plan = plan_sorting(held, SortRule("copy", str(tmp_path / "file" / "below")))
    assert "is a file" in plan.trouble
    with pytest.raises(SortError):
        carry_out(plan)
    assert "no folder" in plan_sorting(held, SortRule("copy")).trouble
    monkeypatch.setattr(files, "RESERVE_BYTES", 1 << 62)
    assert "free" in plan_sorting(held, SortRule("copy", str(tmp_path / "out"))).trouble
    assert plan_sorting(held, SortRule("move", str(tmp_path / "out"))).trouble == ""  # a rename takes no room
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "pattern", ["", "  ", "{", "}", "{foo}", "{name!r}", "{score:.9f}", "{name.x}", "{0}", "x" * 201]
)
def test_a_pattern_is_refused_with_what_may_stand_in_it(pattern: str) -> None:
    with pytest.raises(SortError) as error:
        check_pattern(pattern)
    assert error.value.kind == "bad-pattern" and "{answer}" in error.value.hint


def test_a_pattern_without_a_field_is_refused() -> None:
    with pytest.raises(SortError, match="one name"):
        check_pattern("holiday")


@given(st.text(max_size=300))
@example("con")
@example("AUX.tar.gz")
@example("a" * 300)
@example("\ud800")
@example("é" * 200)
@example("COM¹")
@example(" . ")
def test_a_name_made_from_any_text_is_one_everywhere(text: str) -> None:
    name = plain_name(text)
    assert name and name == name.strip() and not name.startswith(".") and not name.endswith((".", " "))
    assert PurePosixPath(name).name == PureWindowsPath(name).name == name
    assert not PureWindowsPath(name).is_reserved() if hasattr(PureWindowsPath, "is_reserved") else True
    assert len(name.encode()) <= 181 and unicodedata.is_normalized("NFC", name)
    assert not set(name) & set('<>:"/\\|?*\0\n')
    assert plain_name(name) == name


@given(
    st.lists(
        st.tuples(st.sampled_from(["a.jpg", "A.JPG", "b.png", "ü.png", "u\u0308.png"]), st.text(max_size=8)),
        max_size=12,
    ),
    st.sampled_from(["{name}", "{answer}", "{answer} {number}", "{score}"]),
    st.sampled_from(["copy", "move", "rename"]),
)
def test_no_plan_has_two_pictures_in_one_place(
    tmp_path_factory: pytest.TempPathFactory, held: list[tuple[str, str]], pattern: str, how: str
) -> None:
    root = tmp_path_factory.mktemp("plan")
    given_ = pictures(root, *[(f"{number}/{name}", answer) for number, (name, answer) in enumerate(held)])
    plan = plan_sorting(given_, SortRule(how, str(root / "out"), pattern))  # type: ignore[arg-type]
    places = [(os.path.dirname(row.target), look_of(os.path.basename(row.target))) for row in plan.going]
    assert len(set(places)) == len(places) and len(plan.rows) == len(held)
    assert not any(os.path.lexists(row.target) for row in plan.going)
    assert how == "rename" or all(Path(row.target).parent.parent == root / "out" for row in plan.going)
