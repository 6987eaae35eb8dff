"""Small videos for the tests of the camera: what a camera would see, made by OpenCV."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def write_video(
    path: Path,
    colours: Sequence[tuple[int, int, int]] = ((255, 0, 0), (0, 0, 255)),
    each: int = 20,
    size: tuple[int, int] = (160, 120),
    rate: float = 25.0,
) -> Path:
    """A video that shows ``each`` frames of every colour (red, green, blue), (width, height) ``size``."""
    import cv2
    import numpy as np

    code = "MJPG" if path.suffix == ".avi" else "mp4v"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*code), rate, size)
    assert writer.isOpened()
    for colour in colours:
        frame = np.full((size[1], size[0], 3), colour[::-1], np.uint8)
        for _ in range(each):
            writer.write(frame)
    writer.release()
    return path
