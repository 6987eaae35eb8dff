"""Looks through an HDF5 file before any library loads weights from it. For child processes: h5py reads hostile bytes.

Refused are links to other files (external, and soft ones that leave the file's tree), data kept outside the file,
virtual data sets, filters that would load a plug-in, and declared sizes that the file cannot honestly hold: 149 GB
declared in a file of a few KB would be allocated before anything is read.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from desktop.core.types import StoreError
from desktop.system.words import phrase

os.environ.setdefault("HDF5_PLUGIN_PATH", "::")  # no filter of a file may load a library

_MOST_OBJECTS = 100_000
_DEEPEST = 32
_MOST_ATTRIBUTE_BYTES = 64 << 20
_FILTERS = {"gzip", "lzf", None}
_COMPRESSES = 1100  # deflate's largest ratio


class WeightsError(StoreError):
    """A file of weights that must not be loaded. Kinds: ``not-weights``, ``damaged``, ``hostile``, ``too-large``."""


def check_h5(path: Path, most_bytes: int) -> int:
    """Look through ``path``; returns the bytes of data that it declares, at most ``most_bytes``.

    Raises :class:`WeightsError`; nothing of the data is read.
    """
    import h5py

    size = path.stat().st_size
    with path.open("rb") as stream:
        if stream.read(8) != b"\x89HDF\r\n\x1a\n":
            raise WeightsError("not-weights", "this is no HDF5 file", "Choose a file that ends in .h5 or .weights.h5.")
    try:
        with h5py.File(path, "r") as file:
            declared = _Walk(h5py, size, most_bytes).walk(file)
    except WeightsError:
        raise
    except RecursionError as error:
        raise WeightsError("hostile", "the file's groups are nested too deeply") from error
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, UnicodeDecodeError) as error:
        raise WeightsError("damaged", "the HDF5 file is damaged or cut off", "Fetch or copy it again.") from error
    return declared


class _Walk:
    def __init__(self, h5py: Any, size: int, most: int) -> None:
        self._h5py, self._size, self._most = h5py, size, most
        self._seen = 0
        self._declared = 0
        self._attributes = 0

    def walk(self, group: Any, depth: int = 0) -> int:
        """Every link below ``group``; returns the bytes declared so far."""
        if depth > _DEEPEST:
            raise WeightsError(
                "hostile", phrase("the file's groups are nested deeper than {deepest} levels", deepest=_DEEPEST)
            )
        self._look_at_attributes(group)
        for name in group:
            self._seen += 1
            if self._seen > _MOST_OBJECTS:
                raise WeightsError(
                    "hostile", phrase("the file has more than {most_objects:,} entries", most_objects=_MOST_OBJECTS)
                )
            link = group.get(name, getlink=True)
            if isinstance(link, self._h5py.ExternalLink):
                raise WeightsError(
                    "hostile",
                    "the file links to another file instead of holding its data",
                    "Weights have to lie in the file itself.",
                )
            if isinstance(link, self._h5py.SoftLink):
                raise WeightsError("hostile", "the file holds links in place of data")
            item = group[name]
            if isinstance(item, self._h5py.Group):
                self.walk(item, depth + 1)
            elif isinstance(item, self._h5py.Dataset):
                self._look_at(item)
            else:
                raise WeightsError("hostile", "the file holds something that is neither a group nor data")
        return self._declared

    def _look_at(self, data: Any) -> None:
        self._look_at_attributes(data)
        if data.external or data.is_virtual:
            raise WeightsError("hostile", "the file keeps its data in other files")
        if data.dtype.kind not in "fiubSOU":
            raise WeightsError(
                "hostile", phrase("the file holds data of a kind that weights do not have ({dtype})", dtype=data.dtype)
            )
        if data.compression not in _FILTERS:
            raise WeightsError(
                "hostile",
                phrase(
                    "the file is packed by a filter that is not used here ({compression})", compression=data.compression
                ),
            )
        count = int(data.size) * int(data.dtype.itemsize) if data.size is not None else 0
        self._declared += count
        stored = self._size * (_COMPRESSES if data.compression or data.chunks else 1)
        if count > stored or self._declared > self._most:
            raise WeightsError(
                "too-large",
                phrase(
                    "the file declares {declared:,} bytes of data and has {size:,}; at most {most:,} are opened",
                    declared=self._declared,
                    size=self._size,
                    most=self._most,
                ),
                "It is damaged, or made to fill the memory.",
            )

    def _look_at_attributes(self, item: Any) -> None:
        for name in item.attrs:
            attribute = item.attrs.get_id(name)
            points = int(attribute.get_space().get_simple_extent_npoints())
            self._attributes += points * int(attribute.get_type().get_size())
            if self._attributes > _MOST_ATTRIBUTE_BYTES:
                raise WeightsError("too-large", "the file's notes are larger than any that weights need")
