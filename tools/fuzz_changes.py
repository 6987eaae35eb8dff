"""How :mod:`fuzz` changes files: bytes, members of archives, values of JSON."""

from __future__ import annotations

import hashlib
import io
import json
import random
import struct
import zipfile
from typing import Any

_NUMBERS = (0, 1, 2, 3, 7, 8, 15, 16, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1)


def mutated(data: bytes, others: list[bytes], draw: random.Random) -> bytes:
    """``data`` changed in one to a dozen places; near its head as often as anywhere else."""
    out = bytearray(data)
    for _ in range(draw.choice((1, 1, 1, 2, 3, 5, 12))):
        if not out:
            break
        place = draw.randrange(min(len(out), 512)) if draw.random() < 0.5 else draw.randrange(len(out))
        match draw.randrange(9):
            case 0:
                out[place] ^= 1 << draw.randrange(8)
            case 1:
                out[place] = draw.randrange(256)
            case 2:
                size = draw.choice(("B", "<H", ">H", "<I", ">I"))
                width = struct.calcsize(size)
                out[place : place + width] = struct.pack(size, draw.choice(_NUMBERS) % (1 << 8 * width))
            case 3:
                del out[place : place + draw.randrange(1, 64)]
            case 4:
                out[place:place] = bytes(draw.randrange(256) for _ in range(draw.randrange(1, 32)))
            case 5:
                end = min(len(out), place + draw.randrange(1, 256))
                out[place:place] = out[place:end] * draw.choice((1, 1, 4))
            case 6:
                del out[place:]
            case 7:
                other = draw.choice(others)
                start = draw.randrange(len(other) or 1)
                piece = other[start : start + draw.randrange(1, 256)]
                out[place : place + len(piece)] = piece
            case 8:
                end = min(len(out), place + draw.randrange(1, 64))
                out[place:end] = bytes([draw.choice((0, 255))]) * (end - place)
    return bytes(out)


def mutated_zip(data: bytes, others: list[bytes], draw: random.Random) -> bytes:
    """An archive whose bytes, or whose members' own, are changed: then its checksums hold and more of it is read."""
    if draw.random() < 0.3:
        return mutated(data, others, draw)
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        names = source.namelist()
        chosen = draw.choice(names)
        for name in names:
            content = source.read(name)
            if name == chosen:
                change = mutated_json if name.endswith(".json") and draw.random() < 0.7 else mutated
                content = change(content, others, draw)
                if draw.random() < 0.1:
                    name = draw.choice(("../x", "/x", "a/../../x", "x" * 300, "con", "\\x", name.upper(), "ü/é"))
            out.writestr(name, content)
    return target.getvalue()


def mutated_model(data: bytes, others: list[bytes], draw: random.Random) -> bytes:
    """A whole model, one of whose files is changed and has the right size and checksum all the same in its description:
    then it is looked at, not only refused for its sum."""
    if draw.random() < 0.3:
        return mutated_zip(data, others, draw)
    with zipfile.ZipFile(io.BytesIO(data)) as source:
        members = {name: source.read(name) for name in source.namelist()}
    described = next(name for name in members if name.endswith("model.json"))
    inside = described.removesuffix("model.json")
    chosen = draw.choice([name for name in members if name != described])
    change = mutated_json if chosen.endswith(".json") and draw.random() < 0.8 else mutated
    members[chosen] = change(members[chosen], others, draw)
    description = json.loads(members[described])
    digest = hashlib.sha256(members[chosen]).hexdigest()
    description["files"][chosen.removeprefix(inside)] = {"sha256": digest, "size": len(members[chosen])}
    members[described] = json.dumps(description).encode()
    if draw.random() < 0.2:
        members[described] = mutated_json(members[described], others, draw)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in members.items():
            out.writestr(name, content)
    return target.getvalue()


def mutated_network(data: bytes, others: list[bytes], draw: random.Random) -> bytes:
    """A network's file, changed as what it is."""
    return (mutated_zip if data[:2] == b"PK" else mutated)(data, others, draw)


def mutated_json(data: bytes, others: list[bytes], draw: random.Random) -> bytes:
    """JSON with one value replaced by another kind of value, or its bytes changed."""
    if draw.random() < 0.3:
        return mutated(data, others, draw)
    try:
        value = json.loads(data)
    except ValueError:
        return mutated(data, others, draw)
    places: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        node = waiting.pop()
        pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, inner in list(pairs):
            places.append((node, key))
            waiting.append(inner)
    if places:
        node, key = draw.choice(places)
        deep: Any = 0
        for _ in range(draw.choice((3, 70, 900))):
            deep = [deep]
        node[key] = draw.choice(
            (None, True, -1, 0, 1e308, float("nan"), float("inf"), "", "x" * 5000, [], {}, deep, 2**70, ["x"] * 3000)
        )
        if isinstance(node, dict) and draw.random() < 0.3:
            node[draw.choice(("class_name", "module", "config", "schema", "\ud800", "x" * 999))] = node.pop(key)
    return json.dumps(value).encode("utf-8", "surrogatepass")
