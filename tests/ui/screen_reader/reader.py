"""Prints the tree of what assistive technology is told of Fovea, as JSON. Runs in the system's own Python, which has
pyatspi (Debian: python3-pyatspi); needs nothing of Fovea."""

import json
import sys

import pyatspi  # type: ignore[import-not-found]

DEEPEST = 45
MOST_CHILDREN = 60  # of a list or a table


def node(thing, depth):
    """A thing and what is in it; None for what is not shown."""
    states = {str(state.value_nick) for state in thing.getState().getStates()}
    if "defunct" in states or not {"visible", "showing"} & states:
        return None
    found = {
        "role": thing.getRoleName(),
        "name": thing.name or "",
        "about": thing.description or "",
        "states": sorted(states),
    }
    interfaces = pyatspi.listInterfaces(thing)
    if "Value" in interfaces:
        value = thing.queryValue()
        found["value"] = [value.minimumValue, value.currentValue, value.maximumValue]
    if "Text" in interfaces:
        found["text"] = thing.queryText().getText(0, 200)
    if "Component" in interfaces:
        box = thing.queryComponent().getExtents(pyatspi.DESKTOP_COORDS)
        found["box"] = [box.x, box.y, box.width, box.height]
    if depth < DEEPEST:
        inner = [thing.getChildAtIndex(place) for place in range(min(thing.childCount, MOST_CHILDREN))]
        found["children"] = [held for held in (node(child, depth + 1) for child in inner if child is not None) if held]
    return found


def main():
    """Find the program and print it."""
    desktop = pyatspi.Registry.getDesktop(0)
    programs = [desktop.getChildAtIndex(place) for place in range(desktop.childCount)]
    ours = [program for program in programs if program is not None and "fovea" in (program.name or "").lower()]
    if not ours:
        print(json.dumps({"programs": [program.name for program in programs if program is not None]}))
        return 1
    windows = [ours[0].getChildAtIndex(place) for place in range(ours[0].childCount)]
    shown = [held for held in (node(window, 0) for window in windows if window is not None) if held]
    print(json.dumps(shown))
    return 0


if __name__ == "__main__":
    sys.exit(main())
