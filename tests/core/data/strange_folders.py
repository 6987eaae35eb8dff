"""Folders as strangers lay them out, for tests of how their labels are read."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from desktop.core.data.dataset import ALL, LabelledDataset
from desktop.core.data.layouts import LayoutNeededError, address_of
from desktop.core.data.open_data import open_dataset
from desktop.core.pictures.decode import decode


def picture(path: Path, shade: int = 100, form: str | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (6, 4), (shade % 256, 7, 99)).save(path, form)
    return path


def pictures(folder: Path, names: Sequence[str]) -> Path:
    for number, name in enumerate(names):
        picture(folder / name, number)
    return folder


def table(path: Path, rows: Sequence[Sequence[object]], by: str = ",") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, delimiter=by).writerows(rows)
    return path


def stop(path: Path | str) -> LayoutNeededError:
    """The stop with proposals."""
    with pytest.raises(LayoutNeededError) as caught:
        open_dataset(path, ALL)
    assert caught.value.kind == "needs-layout" and caught.value.proposals and "--layout" in caught.value.hint
    return caught.value


def confirmed(path: Path, place: int = 0) -> LabelledDataset:
    """The data as the stop's proposal reads it."""
    return open_dataset(address_of(str(path), stop(path).proposals[place].layout), ALL)


def labels(data: LabelledDataset) -> dict[str, str]:
    assert all(decode(item.source).pixels.shape == (4, 6, 3) for item in data.items)
    return {item.name: item.class_name for item in data.items}


def kinds(data: LabelledDataset, severity: str = "") -> set[str]:
    return {problem.kind for problem in data.problems if severity in ("", problem.severity)}
