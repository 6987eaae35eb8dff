"""Lossless JPEG (process 14, all seven predictors) of 2 to 16 bits, as DICOM archives hold it.

Source of the method: ITU-T T.81 (1992), annex H. Huffman codes cannot be read but one after the other; here only
their lengths are walked in Python, about a tenth of a microsecond a sample, and all else is done on whole arrays. So
there is no compiled decoder that a damaged file could bring down.
"""

from __future__ import annotations

import numpy as np

from desktop.core.pictures.dicom.jpeg_stream import Bits, Huffman, JpegFrame, Scan, parse

_CODE_BITS = 32  # the longest code of 16 bits and the largest number of additional bits


def decode_lossless(stream: bytes) -> np.ndarray:
    """The samples of a lossless JPEG stream: uint16 of shape (rows, columns) or (rows, columns, components).

    Raises ValueError for a stream that is cut off, breaks the rules, or is of another process.
    """
    frame, scans = parse(stream)
    if frame.process != 3 or not 2 <= frame.precision <= 16 or any(s != 0x11 for s in frame.sampling):
        raise ValueError("not lossless JPEG without subsampling")
    if not frame.rows or not frame.columns:
        raise ValueError("no pixels")
    planes: dict[int, np.ndarray] = {}
    for scan in scans:
        for component, plane in zip(scan.components, _decode_scan(frame, scan), strict=True):
            planes[component] = plane
    if set(planes) != set(frame.components):
        raise ValueError("a component has no scan")
    if len(planes) == 1:
        return planes[frame.components[0]]
    return np.stack([planes[component] for component in frame.components], axis=-1)


def _decode_scan(frame: JpegFrame, scan: Scan) -> list[np.ndarray]:
    count = len(scan.components)
    columns = frame.columns
    rows_each = frame.rows
    if scan.restart_interval:
        if scan.restart_interval % columns:
            raise ValueError("restarts in the middle of a row")  # H.1.1 forbids them
        rows_each = scan.restart_interval // columns
    tables = [Huffman(*scan.huffman.get(number, (b"", b"")), lossless=True) for number in scan.dc_tables]
    shift = scan.point_transform
    first = 1 << max(frame.precision - shift - 1, 0)
    parts: list[list[np.ndarray]] = [[] for _ in range(count)]
    done = 0
    for segment in scan.segments:
        rows = min(rows_each, frame.rows - done)
        if rows <= 0:
            break
        for part, differences in zip(parts, _differences(segment, tables, rows * columns), strict=True):
            part.append(_undo_prediction(differences.reshape(rows, columns), scan.start, first))
        done += rows
    if done != frame.rows:
        raise ValueError("rows are missing")
    return [(np.concatenate(part) << shift).astype(np.uint16) for part in parts]


def _differences(segment: bytes, tables: list[Huffman], samples: int) -> list[np.ndarray]:
    """``samples`` differences for each of the interleaved components, as int32."""
    count = len(tables)
    if samples > len(segment) * 8:  # no code is shorter than a bit: nothing is allocated for an empty promise
        raise ValueError("the data end early")
    out = [np.empty(samples, np.int32) for _ in tables]
    bits = Bits(segment, _CODE_BITS * count)
    done = 0
    while done < samples and (chunk := bits.chunk()) is not None:
        steps = [chunk.lookup(table.step) for table in tables]
        place, limit, left = bits.place, bits.limit, samples - done
        places: list[int] = []
        add = places.append
        if count == 1:
            step = steps[0]
            while place < limit and left:
                add(place)
                place += step[place]
                left -= 1
        else:
            while place < limit and left:
                for step in steps:
                    add(place)
                    place += step[place]
                left -= 1
        words, shift = chunk.at(places)
        for index, table in enumerate(tables):
            values = table.values(words[index::count], shift[index::count], lossless=True)
            out[index][done : done + len(values)] = values
        done = samples - left
        bits.move(place)
    if done < samples or bits.overrun:
        raise ValueError("the data end early")
    return out


def _undo_prediction(differences: np.ndarray, predictor: int, first: int) -> np.ndarray:
    """Samples (int64, 0 … 65535) from differences of the same shape (H.1.2.1, table H.1; arithmetic modulo 65536)."""
    values = differences.astype(np.int64)
    values[0, 0] += first
    if predictor == 1:
        values[:, 0] = np.cumsum(values[:, 0])
        return np.cumsum(values, axis=1, out=values) & 0xFFFF
    values[0] = np.cumsum(values[0]) & 0xFFFF
    if predictor == 2:
        return np.cumsum(values, axis=0, out=values) & 0xFFFF
    if not 3 <= predictor <= 7:
        raise ValueError("an unknown predictor")
    for row in range(1, len(values)):
        above, line = values[row - 1], values[row]
        line[0] = (line[0] + above[0]) & 0xFFFF
        if predictor == 3:
            line[1:] = (line[1:] + above[:-1]) & 0xFFFF
        elif predictor in (4, 5):
            slope = above[1:] - above[:-1]
            line[1:] += slope if predictor == 4 else slope >> 1
            np.cumsum(line, out=line)
            line &= 0xFFFF
        else:
            _undo_row(line, above, predictor)
    return values


def _undo_row(line: np.ndarray, above: np.ndarray, predictor: int) -> None:
    """Predictors 6 and 7 halve what depends on the sample just found: one after the other."""
    found, upper = line.tolist(), above.tolist()
    left = found[0]
    for column in range(1, len(found)):
        if predictor == 6:
            guess = upper[column] + ((left - upper[column - 1]) >> 1)
        else:
            guess = (left + upper[column]) >> 1
        left = found[column] = (found[column] + guess) & 0xFFFF
    line[:] = found
