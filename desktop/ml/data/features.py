"""What a frozen network makes of every picture, computed once and kept in the run's folder while it trains."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import numpy as np

from desktop.core.progress import Progress
from desktop.core.types import FoveaError
from desktop.ml.data.public_sets import Pictures
from desktop.ml.nets import backend
from desktop.ml.nets.cost import in_pieces, pictures_at_once
from desktop.system import strict_json
from desktop.system.files import check_room, remove_leftovers, write_atomically
from desktop.system.words import phrase

backend.select()

import keras  # noqa: E402

FOLDER = "features"
_BATCH = 64  # at most


class FeatureError(FoveaError):
    """Features that cannot be kept: the disk has no room for them."""


def compute(
    network: keras.Model, pictures: Pictures, folder: Path, part: str, identity: str, progress: Progress
) -> Pictures:
    """``pictures`` with what ``network`` makes of them in their stead: float32 (n, …), mapped from ``folder``.

    ``identity`` names the network, the layer and how pictures are prepared; features that lie there already for
    pictures of the same names, labels and content are taken.
    Raises :class:`FeatureError` where the disk is too full.
    """
    shape = (len(pictures), *network.output_shape[1:])
    needed = math.prod(shape) * 4
    facts: dict[str, object] = {"identity": identity, "shape": list(shape), "pictures": _known_by(pictures)}
    target, about = folder / f"{part}.npy", folder / f"{part}.json"
    if not _there(target, about, facts):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            remove_leftovers(folder)
            what = phrase("keeping the features of {count} pictures", count=len(pictures))
            hint = phrase(
                "Make room, or choose a later layer or one with a global pooling after it: it has fewer features."
            )
            check_room(folder, needed, what, hint=hint, kind=FeatureError)
            about.unlink(missing_ok=True)  # it tells of the features before
            _write(network, pictures, shape, target, progress)
            write_atomically(about, strict_json.dumps(facts))
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise FeatureError(
                "disk", phrase("the features could not be written: {reason}", reason=reason), "Make room and resume."
            ) from error
    return Pictures(np.load(target, mmap_mode="r", allow_pickle=False), pictures.labels, pictures.names)


def _write(network: keras.Model, pictures: Pictures, shape: tuple[int, ...], target: Path, progress: Progress) -> None:
    def looked(start: int, end: int) -> np.ndarray:
        progress(start, shape[0])
        return np.asarray(network.predict_on_batch(np.asarray(pictures.images[start:end])), np.float32)

    def save(part: Path) -> None:
        # Written, not mapped: on a full disk writing raises an error, while touching a map would end the process.
        with part.open("wb") as stream:
            head = {"descr": "<f4", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(stream, head)
            for rows in in_pieces(looked, shape[0], pictures_at_once(network, _BATCH)):
                stream.write(np.ascontiguousarray(rows, "<f4").data)

    write_atomically(target, save)
    progress(shape[0], shape[0])


def _known_by(pictures: Pictures) -> str:
    # Names of files need not be text.
    digest = hashlib.sha256("\n".join(pictures.names).encode("utf-8", "surrogatepass"))
    digest.update(np.ascontiguousarray(pictures.labels).tobytes())
    if pictures.sha256 is not None:
        digest.update(np.ascontiguousarray(pictures.sha256).tobytes())
    return digest.hexdigest()


def _there(target: Path, about: Path, facts: dict[str, object]) -> bool:
    try:
        return target.is_file() and strict_json.read(about) == facts
    except (OSError, ValueError):
        return False
