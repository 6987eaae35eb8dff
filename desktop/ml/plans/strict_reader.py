"""Strict reading of a plan's dataclasses: from JSON values, and from single settings given as text.

Every error names the field at fault, what was found there and what was expected.
"""

from __future__ import annotations

import types
from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from desktop.core.types import FoveaError
from desktop.system import strict_json
from desktop.system.strict_json import fields_that_differ
from desktop.system.words import phrase

T = TypeVar("T")


class PlanError(FoveaError):
    """A plan that cannot be read or does not make sense."""


def build(cls: type[T], raw: object, where: str) -> T:
    """An instance of the dataclass ``cls`` from a JSON object that holds each of its fields and no other."""
    if not isinstance(raw, dict):
        raise PlanError("bad-plan", phrase("{where} is not an object", where=where))
    hints = get_type_hints(cls)
    names = {f.name for f in fields(cls)}  # type: ignore[arg-type]
    missing, unknown = sorted(names - raw.keys()), sorted(raw.keys() - names)
    if missing or unknown:
        raise PlanError("bad-plan", fields_that_differ(where, missing, unknown))
    values = {name: _convert(hints[name], raw[name], f"{where}.{name}") for name in names}
    try:
        return cls(**values)
    except (TypeError, ValueError) as error:
        raise PlanError("bad-plan", f"{where}: {error}") from error


def _convert(hint: Any, value: Any, where: str) -> Any:
    """``value`` as the type ``hint`` wants it, or a :class:`PlanError`."""
    if is_dataclass(hint) and isinstance(hint, type):
        return build(hint, value, where)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is tuple:
        if not isinstance(value, list):
            raise PlanError(
                "bad-plan", phrase("{where}: expected a list, found {name}", where=where, name=type(value).__name__)
            )
        return tuple(_convert(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if origin is Literal:
        if value not in arguments:
            raise PlanError(
                "bad-plan",
                phrase(
                    "{where}: {value} found; expected one of {map}",
                    where=where,
                    value=repr(value),
                    map=list(map(str, arguments)),
                ),
            )
        return value
    allowed: tuple[type, ...]
    if origin is dict or hint is dict:
        allowed = (dict,)
    else:
        allowed = arguments or (hint,)  # a union such as float | None
    if float in allowed:
        allowed = (*allowed, int)
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
        raise PlanError(
            "bad-plan",
            phrase(
                "{where}: {name} found, {words} expected", where=where, name=type(value).__name__, words=_words(hint)
            ),
        )
    return value


def changed(instance: T, settings: Sequence[tuple[Sequence[str], str]], where: str = "", **ready: Any) -> T:
    """A copy of a dataclass ``instance`` in which the field at each path of ``settings`` is what its text says, and the
    fields ``ready`` are as given.

    The field's type decides how the text is read: ``true``/``false``, numbers, one of a list of words, ``none``; a name
    below a dictionary of settings is read as JSON where it is JSON, else as a word. The copy is made when all are read:
    settings that make sense only together may come in any order.
    """
    hints = get_type_hints(type(instance))
    names = [f.name for f in fields(instance)]  # type: ignore[arg-type]
    values, below = dict(ready), dict[str, list[tuple[Sequence[str], str]]]()
    for path, text in settings:
        name = path[0]
        if name not in names:
            raise PlanError(
                "bad-plan",
                phrase("there is no setting '{where}{name}'", where=where, name=name),
                phrase("Settings there: {names}.", names=list(names)),
            )
        hint, held = hints[name], values.get(name, getattr(instance, name))
        if is_dataclass(hint):
            if len(path) == 1:
                inner = [f"{where}{name}.{f.name}" for f in fields(hint)]
                raise PlanError(
                    "bad-plan",
                    phrase("'{where}{name}' is a group of settings", where=where, name=name),
                    phrase("Set one of them: {inner}.", inner=inner),
                )
            below.setdefault(name, []).append((path[1:], text))
        elif isinstance(held, dict) and len(path) > 1:
            values[name] = {**held, ".".join(path[1:]): loose(text)}
        elif len(path) > 1:
            raise PlanError("bad-plan", phrase("'{where}{name}' has no settings below it", where=where, name=name))
        else:
            values[name] = parse(hint, text, f"{where}{name}")
    for name, inside in below.items():
        values[name] = changed(getattr(instance, name), inside, f"{where}{name}.")
    try:
        return replace(instance, **values)  # type: ignore[type-var]
    except (TypeError, ValueError) as error:
        told = ", ".join(f"{where}{name}" for name in values)
        raise PlanError("bad-plan", f"{told}: {error}") from error


def loose(text: str) -> Any:
    """``text`` as JSON where it is JSON (numbers, lists, true, null), else as the word that it is."""
    try:
        return strict_json.loads(text)
    except strict_json.JsonError:
        return text


def parse(hint: Any, text: str, where: str) -> Any:
    """``text`` as a value of the type ``hint``. Raises :class:`PlanError` that says what was expected."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return _convert(hint, text, where)
    if origin is tuple:
        return tuple(parse(arguments[0], part.strip(), where) for part in text.split(",") if part.strip())
    if origin in (Union, types.UnionType):
        if text.lower() in ("none", "null", "") and type(None) in arguments:
            return None
        return parse(next(a for a in arguments if a is not type(None)), text, where)
    try:
        if hint is bool:
            return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[text.lower()]
        if hint is int:
            return int(text)
        if hint is float:
            return float(text)
    except (KeyError, ValueError) as error:
        raise PlanError(
            "bad-plan",
            phrase("{where}: {text} found, {words} expected", where=where, text=repr(text), words=_words(hint)),
        ) from error
    if hint is str:
        return text
    return _convert(hint, loose(text), where)


def _words(hint: Any) -> str:
    names = {
        int: phrase("a whole number"),
        float: "a number",
        bool: phrase("true or false"),
        str: "text",
        type(None): "nothing",
    }
    parts = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    return " or ".join(names.get(part, getattr(part, "__name__", str(part))) for part in parts)
