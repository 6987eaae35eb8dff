"""From a DICOM's stored values to grey levels: modality LUT or rescale, then VOI LUT or window, then 8 bits.

Source of the method: DICOM PS3.3, C.11.1 (Modality LUT), C.11.2 (VOI LUT), C.7.6.16.2.9 and .10 (the same for the
frames of enhanced multi-frame objects). Where the file names no window, one is chosen (see
:mod:`desktop.core.pictures.windowing`).
``dataset`` is a pydicom Dataset throughout.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from desktop.core.pictures import windowing
from desktop.core.types import DecodeError, Notice
from desktop.system.words import phrase

_BLOCK = 1 << 20

Curve = Callable[[np.ndarray], np.ndarray]


def grey_levels(
    stored: np.ndarray, dataset: Any, frame: int, bits_stored: int
) -> tuple[np.ndarray, tuple[Notice, ...]]:
    """``stored`` (rows, columns) of any integer or floating dtype as uint8 of the same shape, with the window's notice.

    MONOCHROME1 comes inverted: the window is defined on the values before, so inversion is the last step. Raises
    DecodeError ``dicom-damaged`` for lookup tables that contradict themselves.
    """
    signed = stored.dtype.kind == "i"
    modality = _modality(dataset, frame, signed)
    curve, text = _voi(dataset, frame, signed)
    notices = []
    stored = stored.astype(stored.dtype.newbyteorder("="), copy=False)
    if stored.dtype.kind in "iu" and stored.dtype.itemsize <= 2:
        # Every step works on one value at a time: do it once for each possible value instead of for each pixel.
        width: int = stored.dtype.itemsize
        index = stored.view(f"u{width}")
        domain = np.arange(1 << (8 * width), dtype=f"u{width}").view(stored.dtype)
        values = modality(domain.astype(np.float64))
        counts = _without_padding(np.bincount(index.reshape(-1), minlength=len(domain)), domain, dataset)
        if curve is not None and _shows_nothing(table := windowing.to_bytes(curve(values), (0.0, 1.0)), counts):
            said = phrase("{window}: nothing of the picture lies in it", window=text)
            notices.append(Notice("window-shows-nothing", said, "caution"))
            curve, text = None, ""
        if curve is None:
            if bits_stored <= 8 and not signed:
                nominal = values[: 1 << bits_stored]
                window = float(nominal.min()), float(nominal.max())
            else:
                window = _chosen(values, counts)
                text = phrase(
                    "{bits_stored}-bit, windowed {describe}",
                    bits_stored=bits_stored,
                    describe=windowing.describe(window),
                )
            table = windowing.to_bytes(values, window if window[0] < window[1] else (window[0], window[0] + 1))
        pixels = table[index]
    else:
        chosen = (0.0, 1.0)
        if curve is None:
            chosen = _chosen_from(stored, modality, _padding(dataset, stored.dtype))
            text = phrase(
                "{itemsize}-bit, windowed {describe}",
                itemsize=stored.dtype.itemsize * 8,
                describe=windowing.describe(chosen),
            )
        pixels = np.empty(stored.shape, np.uint8)
        flat, out = stored.reshape(-1), pixels.reshape(-1)
        for start in range(0, flat.size, _BLOCK):
            block = modality(flat[start : start + _BLOCK].astype(np.float64))
            out[start : start + _BLOCK] = windowing.to_bytes(block if curve is None else curve(block), chosen)
    if text:
        notices.append(Notice("windowed", text))
    if dataset.get("PhotometricInterpretation") == "MONOCHROME1":
        np.subtract(255, pixels, out=pixels)
        notices.append(Notice("inverted", "MONOCHROME1, inverted"))
    return pixels, tuple(notices)


def _shows_nothing(table: np.ndarray, counts: np.ndarray) -> bool:
    """Whether a window makes one black or white of a picture that holds several values."""
    there = counts > 0
    if np.count_nonzero(there) < 2:
        return False
    levels = table[there]
    return int(levels.min()) == int(levels.max()) and int(levels[0]) in (0, 255)


def _chosen(values: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
    finite = np.isfinite(values)
    window = windowing.histogram_window(values[finite], counts[finite])
    if window is None:  # one value only: it keeps its place in the range that the format allows
        low, high = float(values[finite].min()), float(values[finite].max())
        window = (low, high) if low < high else (low, low + 1)
    return window


def _chosen_from(stored: np.ndarray, modality: Curve, padding: tuple[float, float] | None) -> tuple[float, float]:
    step = max(1, stored.size >> 22)
    some = stored.reshape(-1)[::step]
    if padding is not None:
        # As the samples hold it: a text's decimals are not those of a float of 32 bits.
        first, last = (np.array(end).astype(stored.dtype) for end in padding)
        kept = some[~((some >= first) & (some <= last))]
        some = kept if kept.size else some
    with np.errstate(all="ignore"):
        sample = modality(some.astype(np.float64))
    window = windowing.sample_window(sample)
    if window is None:
        some = sample[np.isfinite(sample)][:1]
        low = float(some[0]) if some.size else 0.0
        window = min(0.0, low), max(1.0, low)
    return window


def _padding(dataset: Any, dtype: np.dtype) -> tuple[float, float] | None:
    """The range of values that only fill the frame up, lowest and highest, or None (Pixel Padding Value, C.7.5.1.1.2;
    Float and Double Float Pixel Padding Value, C.7.5.1.1)."""
    prefix = {"f4": "Float", "f8": "DoubleFloat"}.get(dtype.str[1:], "")
    first = _number(dataset, f"{prefix}PixelPaddingValue")
    if first is None:
        return None
    last = _number(dataset, f"{prefix}PixelPaddingRangeLimit")
    ends = (first, first if last is None else last)
    if dtype.kind in "iu":
        # Written with the other sign, it still means the same bits.
        info, span = np.iinfo(dtype), 1 << (8 * dtype.itemsize)
        wrapped = [end + span if end < info.min else end - span if end > info.max else end for end in ends]
        return min(wrapped), max(wrapped)
    return min(ends), max(ends)


def _without_padding(counts: np.ndarray, domain: np.ndarray, dataset: Any) -> np.ndarray:
    """``counts`` without the pixels that only fill the frame up."""
    padding = _padding(dataset, domain.dtype)
    if padding is None:
        return counts
    kept = np.where((domain >= padding[0]) & (domain <= padding[1]), 0, counts)
    return kept if kept.any() else counts


def _number(dataset: Any, keyword: str) -> float | None:
    """The first value of a numeric element as a finite float, or None when it is missing or no number."""
    try:
        value = dataset.get(keyword)
        if value is not None and not isinstance(value, str | bytes) and hasattr(value, "__getitem__"):
            value = value[0]
        number = float(value)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _group(dataset: Any, frame: int, keyword: str) -> Any:
    """Where the elements of a functional group lie: in the frame's own item, in the shared one, or in the dataset.

    An item that is there and says nothing does not count."""
    items: Any = dataset.get("PerFrameFunctionalGroupsSequence") or ()
    shared: Any = dataset.get("SharedFunctionalGroupsSequence") or ()
    for holder in (items[frame] if frame < len(items) else None, shared[0] if len(shared) else None):
        sequence = holder.get(keyword) if holder is not None else None
        if sequence and any(element.value not in (None, "", []) for element in sequence[0]):
            return sequence[0]
    return dataset


def _table_item(sequence: Any) -> Any:
    """The first item of a sequence of lookup tables that describes one; None where none does: anonymisers and old
    writers leave empty items behind."""
    for item in sequence or ():
        if item.get("LUTDescriptor") not in (None, "", []) or item.get("LUTData") not in (None, b"", "", []):
            return item
    return None


def _modality(dataset: Any, frame: int, signed: bool) -> Curve:
    """Stored values to the modality's units (Hounsfield, optical density …), float64 to float64."""
    table = _table_item(dataset.get("ModalityLUTSequence"))
    if table is not None:
        first, entries, _ = _lut(table, signed)
        return lambda values: entries[np.clip(np.nan_to_num(values) - first, 0, len(entries) - 1).astype(np.intp)]
    group = _group(dataset, frame, "PixelValueTransformationSequence")
    slope, intercept = _number(group, "RescaleSlope"), _number(group, "RescaleIntercept")
    slope = 1.0 if slope is None or slope == 0.0 else slope
    shift = intercept or 0.0
    if slope == 1.0 and shift == 0.0:
        return lambda values: values
    return lambda values: values * slope + shift


def _voi(dataset: Any, frame: int, signed: bool) -> tuple[Curve | None, str]:
    """Modality values to 0 … 1 as the file wants them shown, and that in words; None and '' where it does not say."""
    group = _group(dataset, frame, "FrameVOILUTSequence")
    table = _table_item(group.get("VOILUTSequence"))
    if table is not None:
        first, entries, bits = _lut(table, signed)
        top = float((1 << bits) - 1)
        return (
            lambda values: entries[np.clip(np.nan_to_num(values) - first, 0, len(entries) - 1).astype(np.intp)] / top,
            phrase("shown through the lookup table of the file"),
        )
    centre, width = _number(group, "WindowCenter"), _number(group, "WindowWidth")
    function = str(group.get("VOILUTFunction") or "LINEAR").upper()
    least = 0.0 if function in ("LINEAR_EXACT", "SIGMOID") else 1.0
    if centre is None or width is None or width < least or width == 0.0:
        return None, ""
    text = phrase("window of the file: centre {centre:g}, width {width:g}", centre=centre, width=width)
    several = group.get("WindowCenter")
    if several is not None and not isinstance(several, str) and hasattr(several, "__len__") and len(several) > 1:
        text += phrase(", the first of {count}", count=len(several))
    middle, extent = centre, width
    if function == "SIGMOID":
        return lambda values: 1.0 / (1.0 + np.exp(np.clip(-4.0 * (values - middle) / extent, -700, 700))), text
    if function == "LINEAR_EXACT":
        return lambda values: np.clip((values - middle) / extent + 0.5, 0.0, 1.0), text
    if extent == 1.0:
        return lambda values: (values > middle - 0.5).astype(np.float64), text
    return lambda values: np.clip((values - (middle - 0.5)) / (extent - 1.0) + 0.5, 0.0, 1.0), text


def _lut(item: Any, signed: bool) -> tuple[float, np.ndarray, int]:
    """A lookup table: the first value it maps, its entries as float64, and the bits of an entry (C.11.1.1.1)."""
    descriptor = item.get("LUTDescriptor")
    data = item.get("LUTData")
    try:
        count, first, bits = (int(value) for value in descriptor)
        count = count or 65536
        if isinstance(data, bytes):
            # OW: two bytes an entry, or, against the standard but seen, one.
            entries = np.frombuffer(data, "u1" if len(data) < 2 * count else "<u2").astype(np.float64)
        else:
            entries = np.atleast_1d(np.asarray(data, np.float64))
    except (TypeError, ValueError, OverflowError):
        entries = np.empty(0)
    if not entries.size or not 1 <= bits <= 16 or entries.size < count:
        raise DecodeError(
            "dicom-damaged", "A lookup table in the DICOM's header contradicts its description.", "Export it again."
        )
    if signed and first > 32767:
        first -= 65536
    return float(first), entries[:count], bits
