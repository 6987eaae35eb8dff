"""Pictures to try Fovea with: those that come with it, and the two photographs of scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from desktop import paths
from desktop.core.pictures.formats import SUPPORTED_SUFFIXES
from desktop.core.pictures.photographs import photographs
from desktop.system.words import translated

_WORDS = {"digit": ("digit", "mnist"), "xray": ("xray", "x-ray", "chest", "phantom")}
CONTEXT = "Samples"
"""The context of the samples' names, which ``tools/texts.py`` makes from those of their files."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample picture: ``kind`` is ``photo``, ``digit`` or ``xray``; it says which model fits."""

    path: str
    kind: str

    @property
    def title(self) -> str:
        """A name for a menu: the file's, in words."""
        words = Path(self.path).stem.replace("-", " ").replace("_", " ")
        return translated(CONTEXT, words[:1].upper() + words[1:])


def samples() -> list[Sample]:
    """Every sample there is, photographs first; empty where none was installed."""
    found = [Sample(str(photograph.path), "photo") for photograph in photographs()]
    try:
        own = sorted(
            path for path in (paths.resources() / "samples").rglob("*") if path.suffix.lower() in SUPPORTED_SUFFIXES
        )
    except OSError:
        own = []
    found.extend(Sample(str(path), _kind(path)) for path in own if path.is_file())
    return found


def samples_for(model_id: str) -> list[Sample]:
    """The samples that fit a model by what its id speaks of; all of them where none does."""
    kind = next((kind for kind, words in _WORDS.items() if any(word in model_id for word in words)), "photo")
    everything = samples()
    return [sample for sample in everything if sample.kind == kind] or everything


def _kind(path: Path) -> str:
    text = "/".join(part.lower() for part in path.parts[-2:])
    return next((kind for kind, words in _WORDS.items() if any(word in text for word in words)), "photo")
