"""Frames of animated GIF and PNG, put together as browsers do: on a canvas that is transparent where nothing was drawn.

Source of the method: GIF89a, section 23 (disposal); PNG specification (third edition), 11.3.5 and 13.14 (disposal and
blending). Pillow decodes each frame's own data, wrapped as a still picture; it also composes, but takes the background
colour where browsers show what lies behind.
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from PIL import Image

from desktop.core.pictures import deep_png
from desktop.core.pictures.containers import MAX_FRAMES, GifFrame, walk_gif
from desktop.core.pictures.limits import check_size
from desktop.core.types import DecodeError, Notice

_KEEP, _CLEAR, _RESTORE = 0, 1, 2
_DEPTH, _COLOUR = 24, 25  # where a PNG's IHDR says its bits and its kind of colour
_GREY_KINDS = (0, 4)
_GREYS = bytes(value for level in range(256) for value in (level,) * 3)


@dataclass(frozen=True, slots=True)
class _Layer:
    """A frame to be drawn: where, over what is there or instead of it, what becomes of its area, and its still file."""

    box: tuple[int, int, int, int]  # left, top, right, bottom
    over: bool
    disposal: int
    data: bytes
    transparent: int | None = None


def first_covers(file: BinaryIO) -> bool:
    """Whether the first frame of the GIF in ``file`` covers its screen. Leaves the position of ``file`` where it is."""
    position = file.tell()
    try:
        file.seek(6)
        screen = struct.unpack("<HH", file.read(4))
        first = next(walk_gif(file), None)
        if first is None:
            return True
        file.seek(first.position)
        left, top, width, height = struct.unpack("<4H", file.read(8))
        return bool(left == top == 0 and width >= screen[0] and height >= screen[1])
    except struct.error:
        return True
    finally:
        file.seek(position)


def gif_frame(file: BinaryIO, number: int) -> Image.Image:
    """Frame ``number`` (0-based) of the GIF in ``file``, mode RGBA. Raises DecodeError; Pillow's errors on bad data."""
    file.seek(0)
    head = file.read(13)
    if len(head) < 13:
        raise EOFError
    width, height = struct.unpack_from("<HH", head, 6)
    shared = file.read(3 << ((head[10] & 7) + 1)) if head[10] & 0x80 else b""
    found: list[GifFrame] = []
    for frame in walk_gif(file):
        found.append(frame)
        if len(found) > number:
            break
    if len(found) <= number:
        raise EOFError
    layers = [_gif_layer(file, frame, shared) for frame in found]
    first = layers[0].box
    size = max(width, first[2]), max(height, first[3])  # a screen smaller than its first frame grows
    check_size(*size)
    return Image.fromarray(_composed(layers, size))


def _gif_layer(file: BinaryIO, frame: GifFrame, shared: bytes) -> _Layer:
    """A frame as a GIF of its own: its palette as the global one, its area as the whole screen."""
    file.seek(frame.position)
    descriptor = file.read(9)
    if len(descriptor) < 9:
        raise EOFError
    left, top, width, height, flags = struct.unpack("<4HB", descriptor)
    if width == 0 or height == 0:
        raise DecodeError("damaged", "A frame of the GIF has no pixels.", "Save it again.")
    check_size(width, height)
    palette = file.read(3 << ((flags & 7) + 1)) if flags & 0x80 else shared or _GREYS
    data = bytearray(file.read(1))
    while length := file.read(1):
        data += length
        if length == b"\0":
            break
        data += file.read(length[0])
    still = b"GIF89a" + struct.pack("<HHBBB", width, height, 0xF7, 0, 0) + palette[:768].ljust(768, b"\0")
    still += b"," + struct.pack("<4HB", 0, 0, width, height, flags & 0x40) + bytes(data) + b";"
    disposal = {2: _CLEAR, 3: _RESTORE}.get(frame.disposal, _KEEP)
    return _Layer((left, top, left + width, top + height), True, disposal, still, frame.transparent)


def _pixels(layer: _Layer, kind: str) -> np.ndarray:
    """A layer's pixels, uint8 (H, W, 4); those of a PNG of 16 bits uint16."""
    if kind == "PNG" and layer.data[_DEPTH] == 16:
        return deep_png.samples(layer.data)
    with Image.open(io.BytesIO(layer.data), formats=(kind,)) as picture:
        if kind == "PNG":
            return np.asarray(picture.convert("RGBA"))
        index = np.asarray(picture)
    table = np.full((256, 4), 255, np.uint8)
    table[:, :3] = np.frombuffer(layer.data, np.uint8, 768, 13).reshape(256, 3)
    if layer.transparent is not None:
        table[layer.transparent] = 0
    coloured: np.ndarray = table[index]
    return coloured


def _composed(layers: list[_Layer], size: tuple[int, int], kind: str = "GIF") -> np.ndarray:
    """The last of ``layers`` as it is seen, on what the ones before it left: (H, W, 4) as of :func:`_pixels`."""
    # Where a frame replaces everything, what came before it is gone.
    start = 0
    for number, layer in enumerate(layers):
        whole = layer.box[:2] == (0, 0) and layer.box[2] >= size[0] and layer.box[3] >= size[1]
        if whole and (not layer.over or kind == "GIF" and layer.transparent is None) and layer.disposal != _RESTORE:
            start = number
    if layers[-1].disposal == _RESTORE and start == len(layers) - 1:
        start = 0
    deep = kind == "PNG" and layers[0].data[_DEPTH] == 16
    canvas = np.zeros((size[1], size[0], 4), np.uint16 if deep else np.uint8)
    for number, layer in enumerate(layers[start:], start):
        left, top, right, bottom = layer.box
        area = canvas[top:bottom, left:right]
        last = number == len(layers) - 1
        before = area.copy() if layer.disposal == _RESTORE and not last else None
        if last or layer.disposal == _KEEP:
            drawn = _pixels(layer, kind)[: area.shape[0], : area.shape[1]]
            if layer.over:
                _draw(area, drawn)
            else:
                area[...] = drawn
        if last:
            break
        if layer.disposal == _CLEAR:
            area[...] = 0
        elif before is not None:
            area[...] = before
    return canvas


def _draw(area: np.ndarray, drawn: np.ndarray) -> None:
    """Lay ``drawn`` over ``area`` (both uint8 or uint16, (H, W, 4)), in place (Porter and Duff's 'over')."""
    veil, most = drawn[..., 3], np.iinfo(drawn.dtype).max
    if bool(((veil == 0) | (veil == most)).all()):
        area[veil == most] = drawn[veil == most]
        return
    if drawn.dtype != np.uint8:
        share = drawn[..., 3:].astype(np.float32) / most
        below = area[..., 3:].astype(np.float32) / most * (1 - share)
        whole = np.maximum(share + below, np.float32(1e-9))
        area[..., :3] = np.rint((drawn[..., :3] * share + area[..., :3] * below) / whole)
        area[..., 3:] = np.rint((share + below) * most)
        return
    ground = Image.fromarray(np.ascontiguousarray(area))
    ground.alpha_composite(Image.fromarray(np.ascontiguousarray(drawn)))
    area[...] = np.asarray(ground)


_ANCILLARY = frozenset((b"PLTE", b"tRNS"))


def png_frame(
    file: BinaryIO, number: int, apart: bool, exponent: float
) -> tuple[Image.Image, tuple[Notice, ...], float]:
    """Frame ``number`` (0-based, not 0) of the animated PNG in ``file``, mode RGBA; what was done to its depth; and the
    power that is still to be applied: ``exponent``, or 1 where 16 bits have seen it already.

    ``apart``: its still picture is no part of the animation and counts as frame 0. Raises DecodeError ``damaged``.
    """
    file.seek(8)
    head, shared = b"", b""
    layers: list[_Layer] = []
    control: bytes | None = None
    data: list[bytes] = []
    wanted = min(number + 1 - apart, MAX_FRAMES)

    def close() -> None:
        if control is not None and data:
            layers.append(_png_layer(control, head, shared, b"".join(data), first=not layers))

    while len(start := file.read(8)) == 8:
        length, kind = int.from_bytes(start[:4], "big"), start[4:]
        body = file.read(length)
        file.seek(4, 1)
        if kind == b"IHDR":
            head = body
        elif kind in _ANCILLARY:
            shared += _chunk(kind, body)
        elif kind == b"fcTL":
            close()
            control, data = body, []
            if len(layers) >= wanted:
                break
        elif kind == b"IDAT":
            data.append(body) if control is not None else None
        elif kind == b"fdAT":
            data.append(body[4:])
        elif kind == b"IEND":
            close()
            break
    if len(layers) < wanted:
        raise DecodeError("damaged", "The PNG's animation has fewer frames than it says.", "Save it again.")
    canvas = _composed(layers[:wanted], struct.unpack(">II", head[:8]), "PNG")
    if canvas.dtype == np.uint8:
        return Image.fromarray(canvas), (), exponent
    # The depth rule is that of the whole picture, so it comes last.
    shown, notices = deep_png.shown_samples(canvas, layers[0].data[_COLOUR] in _GREY_KINDS, exponent)
    return shown, notices, 1.0


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")


def _png_layer(control: bytes, head: bytes, shared: bytes, data: bytes, first: bool) -> _Layer:
    if len(control) < 26 or len(head) < 13:
        raise DecodeError("damaged", "The PNG's animation is damaged.", "Save it again.")
    width, height, left, top = struct.unpack_from(">4I", control, 4)
    full = struct.unpack_from(">II", head)
    if not width or not height or left + width > full[0] or top + height > full[1]:
        raise DecodeError("damaged", "A frame of the PNG's animation lies outside its picture.", "Save it again.")
    still = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">II", width, height) + head[8:13]) + shared
    still += _chunk(b"IDAT", data) + _chunk(b"IEND", b"")
    disposal = {1: _CLEAR, 2: _RESTORE}.get(control[24], _KEEP)
    if first and disposal == _RESTORE:
        disposal = _CLEAR  # nothing was there before
    return _Layer((left, top, left + width, top + height), control[25] == 1, disposal, still)
