"""What the panes of a view share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from desktop.engine.messages import Failure
    from desktop.ui.widgets.notices import ErrorPanel

HEAD = 32
"""The height of the line at the top of each pane, in pixels."""


def show_failure(panel: ErrorPanel, failure: Failure) -> None:
    """Show an engine's failure in ``panel``."""
    panel.set_failure(failure.message, failure.hint, failure.kind)
