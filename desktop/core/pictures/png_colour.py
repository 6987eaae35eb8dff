"""What a PNG says about its colours without an ICC profile: gAMA, cHRM and cICP, brought to sRGB.

Source of the method: PNG specification (third edition), 11.3.2 and 13.13 (cICP before iCCP before sRGB before gAMA and
cHRM; a display's exponent of 2.2); ITU-T H.273 for the code points of cICP; the primaries' matrix after
Lindbloom, adapted to D50 by Bradford's method as ICC.1 asks.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

_DISPLAY = 1 / 2.2
_THRESHOLD = 0.05  # a smaller deviation is not seen, and is how writers round
_SAME = 0.005

# x and y of white, red, green and blue.
_SRGB = (0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
_PRIMARIES = {
    1: _SRGB,
    9: (0.3127, 0.3290, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    11: (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    12: (0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
}
_TRANSFERS = {1: _DISPLAY, 4: _DISPLAY, 6: _DISPLAY, 13: _DISPLAY, 14: _DISPLAY, 15: _DISPLAY, 5: 1 / 2.8, 8: 1.0}

_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_D50 = np.array([0.9642, 1.0, 0.8249])


def exponent_of(info: Mapping[Any, Any], code_points: bytes) -> float:
    """The power by which the samples (as 0 … 1) become sRGB's, 1 where they are so already.

    ``info`` is Pillow's of the picture, ``code_points`` the content of its cICP chunk or nothing.
    """
    if code_points:
        gamma = _TRANSFERS.get(code_points[1], _DISPLAY)
    elif "icc_profile" in info or "srgb" in info:
        return 1.0
    else:
        gamma = info.get("gamma") or _DISPLAY
    if not isinstance(gamma, float | int) or not 0.02 < gamma < 50:
        return 1.0
    exponent = _DISPLAY / float(gamma)
    return exponent if abs(exponent - 1.0) > _THRESHOLD else 1.0


def profile_of(info: Mapping[Any, Any], code_points: bytes) -> bytes | None:
    """The ICC profile that applies: the embedded one, or one made for other primaries than sRGB's; None for none.

    What comes as damaged code points or as high dynamic range gives a profile that is unusable, and so a notice.
    """
    embedded = info.get("icc_profile")
    if code_points:
        known = code_points[0] in _PRIMARIES and code_points[1] in _TRANSFERS and code_points[2:] == b"\0\1"
        chromaticities = _PRIMARIES[code_points[0]] if known else None
        return b"unknown" if chromaticities is None else _made(chromaticities)
    if isinstance(embedded, bytes):
        return embedded
    given = info.get("chromaticity")
    if "srgb" in info or "gamma" not in info or not isinstance(given, tuple) or len(given) != 8:
        return None
    return _made(tuple(float(value) for value in given))


def _made(chromaticities: tuple[float, ...]) -> bytes | None:
    if all(abs(one - other) <= _SAME for one, other in zip(chromaticities, _SRGB, strict=True)):
        return None
    return _profile(chromaticities)


@lru_cache(maxsize=16)
def _profile(chromaticities: tuple[float, ...]) -> bytes:
    """An ICC 2.1 display profile of these primaries with sRGB's curve, or bytes that are no profile."""
    if any(chromaticities[i] <= 0 for i in range(1, 8, 2)):
        return b"unknown"
    white, *primaries = (_xyz(*chromaticities[i : i + 2]) for i in range(0, 8, 2))
    matrix = np.array(primaries).T
    if abs(np.linalg.det(matrix)) < 1e-6:
        return b"unknown"
    matrix = matrix * np.linalg.solve(matrix, white)
    cones = _BRADFORD @ _D50 / (_BRADFORD @ white)
    adapted = np.linalg.inv(_BRADFORD) @ np.diag(cones) @ _BRADFORD @ matrix
    if not np.isfinite(adapted).all() or np.abs(adapted).max() > 4:
        return b"unknown"
    levels = np.linspace(0, 1, 1024)
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    curve = b"curv\0\0\0\0" + struct.pack(">I", 1024) + np.rint(linear * 65535).astype(">u2").tobytes()
    tags = [
        (b"desc", b"desc\0\0\0\0" + struct.pack(">I", 5) + b"made\0" + b"\0" * 79),
        (b"cprt", b"text\0\0\0\0none\0\0\0\0"),
        (b"wtpt", _fixed(_D50)),
        *((name, _fixed(adapted[:, i])) for i, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))),
        *((name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")),
    ]
    offset, table, body = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, data in tags:
        table += name + struct.pack(">II", offset + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    head = struct.pack(">I4sI4s4s4s", offset + len(body), b"fove", 0x02100000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28 + _fixed(_D50)[8:]
    return head.ljust(128, b"\0") + table + body


def _xyz(x: float, y: float) -> np.ndarray:
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _fixed(values: np.ndarray) -> bytes:
    """An XYZ value as ICC's signed fixed-point numbers, under its type's name."""
    return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(float(value) * 65536)) for value in values)
