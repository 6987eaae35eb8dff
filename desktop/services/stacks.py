"""A series as the window shows it: one item of the list with its frames, called by number and never by its files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QLocale

from desktop.core.types import ImageSource

if TYPE_CHECKING:
    from desktop.core.pictures.dicom.series import DicomSeries


def _tr(text: str) -> str:
    return QCoreApplication.translate("Stack", text)


@dataclass(frozen=True, slots=True)
class Stack:
    """``series`` with the ``name`` that the list shows and a source for each frame, in order."""

    series: DicomSeries
    name: str
    frames: tuple[ImageSource, ...] = field(repr=False)

    @classmethod
    def of(cls, series: DicomSeries) -> Stack:
        """The stack of a series."""
        name = name_of(series)
        several = len(series.frames) > 1
        frames = tuple(
            ImageSource(frame_name(name, at) if several else name, path=path, frame=frame)
            for at, (path, frame) in enumerate(series.frames, 1)
        )
        return cls(series, name, frames)

    def facts(self) -> list[str]:
        """What has to be said of the series, a sentence each: what is missing, was left out, or decides the order."""
        number = QLocale().toString
        series, out = self.series, []
        if series.missing:
            how = _tr("places") if series.placed else _tr("numbers")
            words = _tr("{0} frames are missing, as the others' {1} tell")
            if series.missing == 1:
                words = _tr("1 frame is missing, as the others' {1} tell")
            out.append(words.format(number(series.missing), how))
        if series.copies:
            words = _tr("{0} files held a frame once more and were left out")
            if series.copies == 1:
                words = _tr("1 file held a frame once more and was left out")
            out.append(words.format(number(series.copies)))
        if not series.placed and len({path for path, _ in series.frames}) > 1:
            if series.shared:
                out.append(_tr("ordered by file names: several frames have the same number, and no places"))
            else:
                out.append(_tr("ordered by number: the files name no places"))
        return out


def frame_name(name: str, number: int) -> str:
    """What frame ``number`` (from 1) of ``name`` is called."""
    return _tr("{0}, frame {1}").format(name, number)


def name_of(series: DicomSeries) -> str:
    """What a series is called: kind and number, and its study where there are several."""
    number = series.number if series.number is not None else series.ordinal
    if series.modality:
        name = _tr("{0} series {1}").format(series.modality, number)
    else:
        name = _tr("Series {0}").format(number)
    if series.parts > 1:
        name = _tr("{0}, part {1} of {2}").format(name, series.part, series.parts)
    return _tr("Study {0}, {1}").format(series.study, name) if series.studies > 1 else name


def stacked(found: Iterable[ImageSource | DicomSeries]) -> list[ImageSource | Stack]:
    """Pictures, and stacks of the series among them."""
    return [one if isinstance(one, ImageSource) else Stack.of(one) for one in found]
