"""A user's model store with one tiny network in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from desktop.store.store import ModelStore
from tests.store.makers import add_colours


@pytest.fixture
def store(fovea_home: Path) -> ModelStore:
    """The store that a child process finds: what is bundled, and ``colours`` as the user's own."""
    store = ModelStore(user=fovea_home / "models")
    add_colours(store)
    return store
