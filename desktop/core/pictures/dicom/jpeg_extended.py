"""Sequential DCT JPEG of 8 or 12 bits and one component: DICOM's JPEG Extended, which ordinary libraries do not open.

Source of the method: ITU-T T.81 (1992), annexes A.3.3 and F.2. As in :mod:`desktop.core.pictures.dicom.jpeg_lossless`,
only the lengths of the codes are walked in Python.
"""

from __future__ import annotations

import numpy as np

from desktop.core.pictures.dicom.jpeg_stream import Bits, Huffman, parse

_BLOCK_BITS = 64 * 32
_GROUP = 1 << 13  # blocks transformed in one go

# Figure A.6: where in a block the k-th coefficient belongs.
_ZIGZAG = np.array(sorted(range(64), key=lambda i: (i // 8 + i % 8, (i // 8 if (i // 8 + i % 8) % 2 else i % 8))))


def decode_extended(stream: bytes) -> np.ndarray:
    """The samples of a sequential JPEG stream of one component: uint16 of shape (rows, columns).

    Raises ValueError for a stream that is cut off, breaks the rules, or is of another process.
    """
    frame, scans = parse(stream)
    if frame.process not in (0, 1) or frame.precision not in (8, 12) or len(frame.components) != 1:
        raise ValueError("not sequential JPEG of one component")
    scan = scans[0]
    table = scan.quantisers.get(frame.quantisation[0])
    if not frame.rows or not frame.columns or table is None:
        raise ValueError("no pixels or no quantisation")
    dc = Huffman(*scan.huffman.get(scan.dc_tables[0], (b"", b"")))
    ac = Huffman(*scan.huffman.get(16 | scan.ac_tables[0], (b"", b"")))
    down, across = -(-frame.rows // 8), -(-frame.columns // 8)
    blocks = down * across
    if blocks > sum(map(len, scan.segments)) * 8:
        raise ValueError("the data end early")
    coefficients = np.zeros((blocks, 64), np.int16)
    done = 0
    for segment in scan.segments:
        count = min(scan.restart_interval or blocks, blocks - done)
        if count <= 0:
            break
        _read_blocks(segment, dc, ac, coefficients[done : done + count])
        done += count
    if done != blocks:
        raise ValueError("blocks are missing")
    samples = _transformed(coefficients, table, frame.precision)
    picture = samples.reshape(down, across, 8, 8).swapaxes(1, 2).reshape(down * 8, across * 8)
    return np.ascontiguousarray(picture[: frame.rows, : frame.columns])


def _read_blocks(segment: bytes, dc: Huffman, ac: Huffman, out: np.ndarray) -> None:
    """Fill ``out`` (blocks, 64), in zigzag order and zero before, from the codes of ``segment`` (F.2.2)."""
    bits = Bits(segment, _BLOCK_BITS)
    blocks, done = len(out), 0
    differences = np.empty(blocks, np.int32)
    flat = out.reshape(-1)
    while done < blocks and (chunk := bits.chunk()) is not None:
        dc_step, ac_step, ac_symbol = chunk.lookup(dc.step), chunk.lookup(ac.step), chunk.lookup(ac.symbol)
        place, limit, start = bits.place, bits.limit, done
        dc_places: list[int] = []
        ac_places: list[int] = []
        targets: list[int] = []
        while place < limit and done < blocks:
            dc_places.append(place)
            place += dc_step[place]
            index, last = done * 64 + 1, done * 64 + 64
            while index < last:
                symbol = ac_symbol[place]
                size = symbol & 15
                if size:
                    index += symbol >> 4
                    ac_places.append(place)
                    targets.append(index)
                    index += 1
                elif symbol == 0xF0:
                    index += 16
                else:
                    place += ac_step[place]
                    break
                place += ac_step[place]
            if index > last:
                raise ValueError("a block of more than 64 coefficients")
            done += 1
        differences[start:done] = dc.values(*chunk.at(dc_places))
        if targets:
            flat[np.asarray(targets)] = ac.values(*chunk.at(ac_places)).astype(np.int16)
        bits.move(place)
    if done < blocks or bits.overrun:
        raise ValueError("the data end early")
    out[:, 0] = np.cumsum(differences).astype(np.int16)


def _transformed(coefficients: np.ndarray, table: np.ndarray, precision: int) -> np.ndarray:
    """Blocks of zigzag coefficients (n, 64) to samples (n, 8, 8) of uint16, by the inverse DCT of A.3.3."""
    k = np.arange(8)
    basis = np.cos((2 * k[None, :] + 1) * k[:, None] * np.pi / 16) / 2
    basis[0] /= np.sqrt(2)
    basis = basis.astype(np.float32)
    top, middle = (1 << precision) - 1, 1 << (precision - 1)
    out = np.empty((len(coefficients), 8, 8), np.uint16)
    for start in range(0, len(coefficients), _GROUP):
        part = np.zeros((min(_GROUP, len(coefficients) - start), 64), np.float32)
        part[:, _ZIGZAG] = coefficients[start : start + _GROUP] * table
        spatial = basis.T @ part.reshape(-1, 8, 8) @ basis
        out[start : start + _GROUP] = np.clip(np.rint(spatial + middle), 0, top)
    return out
