"""What a finished network gives: the names of its outputs, which Keras and LiteRT files share."""

from __future__ import annotations

OUTPUTS = ("probabilities", "embedding", "map", "stages")
"""The outputs of a finished network, in this order; most have the first three, a model from elsewhere may have the
first alone. ``stages``: see :func:`desktop.ml.nets.imagenet.with_outputs`."""
