"""Plans as rows of settings, and what differs between two of them. No Qt here."""

from __future__ import annotations

from typing import Any

from desktop.system import strict_json

_LEFT_OUT = ("schema", "id", "card", "labels")


def settings(plan_json: str) -> dict[str, str]:
    """A plan's settings by their dotted names, in the plan's order; of a folder its own name only.

    Text that is no plan gives nothing.
    """
    try:
        raw = strict_json.loads_object(plan_json)
    except strict_json.JsonError:
        return {}
    rows: dict[str, str] = {}
    for key, value in raw.items():
        if key not in _LEFT_OUT:
            _flatten(key, value, rows)
    return rows


def differences(first: dict[str, str], second: dict[str, str]) -> list[tuple[str, str, str]]:
    """The settings that differ: name, value in the one, value in the other ('–' where it has none)."""
    names = [*first, *(name for name in second if name not in first)]
    pairs = [(name, first.get(name, "–"), second.get(name, "–")) for name in names]
    return [pair for pair in pairs if pair[1] != pair[2]]


def _flatten(name: str, value: Any, rows: dict[str, str]) -> None:
    if name == "data.path":
        if isinstance(value, str):
            rows[name] = value.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    elif isinstance(value, dict):
        if set(value) == {"name", "settings"}:
            rows[name] = str(value["name"])
            value = value["settings"] if isinstance(value["settings"], dict) else {}
        for key, inner in value.items():
            _flatten(f"{name}.{key}", inner, rows)
    elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        rows[name] = ", ".join(str(item.get("name", "?")) for item in value)
        for item in value:
            for key, inner in (item.get("settings") or {}).items():
                _flatten(f"{name}.{item.get('name', '?')}.{key}", inner, rows)
    else:
        rows[name] = _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_plain(item) for item in value) or "–"
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
