"""Change files at random and see whether anything breaks: ``make fuzz``, or ``python tools/fuzz.py --minutes 10 jpeg``.

Every run makes fresh seeds (files of every variant, drawn here) and changes them in many ways; ``--seed`` repeats one.
Pictures go through a real engine, as a folder that is classified does, the engine being watched; archives, networks
and JSON through the functions that an import calls, in the children that it calls them in.

A family fails when the engine ends or holds more than a gigabyte, when nothing comes for longer than a picture may take
twice over, or when something else than an error in words comes out. A library that crashes, loops or swells in its
child is contained: it is counted and kept, but fails nothing. What was found lies in ``--keep`` (``fuzz-found``), one
file each beside what it did; copy it into ``tests/cases`` once it is mended.
"""

from __future__ import annotations

import argparse
import collections
import hashlib
import json
import random
import sys
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
for _place in (str(ROOT), str(ROOT / "tools")):  # children find the targets as a module of their own
    if _place not in sys.path:
        sys.path.insert(0, _place)

import fuzz_changes  # noqa: E402  # once they can be found
import fuzz_seeds  # noqa: E402

_AT_ONCE = 64
_SILENT_S = 60.0  # a picture may take ten seconds of work, on a busy computer several times as long
_MOST_MEMORY = 1 << 30
_MODEL = "cifar10"
_CONTAINED = ("decoder-crashed", "took-too-long")


@dataclass
class Found:
    """What became of a family's mutants."""

    family: str
    seed: int
    mutants: int = 0
    opened: int = 0
    refused: collections.Counter[str] = field(default_factory=collections.Counter)
    contained: int = 0
    failures: list[str] = field(default_factory=list)
    longest_s: float = 0.0
    memory: int = 0
    seconds: float = 0.0


Mutate = Callable[[bytes, list[bytes], random.Random], bytes]
FAMILIES: dict[str, tuple[Callable[[random.Random], list[bytes]], Mutate, str]] = {
    "jpeg": (fuzz_seeds.jpeg, fuzz_changes.mutated, ""),
    "png": (fuzz_seeds.png, fuzz_changes.mutated, ""),
    "tiff": (fuzz_seeds.tiff, fuzz_changes.mutated, ""),
    "web": (fuzz_seeds.web, fuzz_changes.mutated, ""),
    "dicom": (fuzz_seeds.dicom, fuzz_changes.mutated, ""),
    "studies": (fuzz_seeds.studies, fuzz_changes.mutated, "fuzz_targets:attack_study"),
    "archives": (fuzz_seeds.archives, fuzz_changes.mutated_model, "fuzz_targets:attack_archive"),
    "networks": (fuzz_seeds.networks, fuzz_changes.mutated_network, "fuzz_targets:attack_network"),
    "stores": (fuzz_seeds.stores, fuzz_changes.mutated_json, "fuzz_targets:attack_json"),
}


def run(family: str, seconds: float, seed: int, keep: Path) -> Found:
    """Attack for about ``seconds``; returns what became of it."""
    make, change, target = FAMILIES[family]
    draw = random.Random(f"{family}-{seed}")
    seeds = make(draw)
    found = Found(family, seed)
    attack = _through_children(target, found, keep) if target else _through_engine(found, keep)
    begin = time.monotonic()
    next(attack)
    while not found.failures and (not found.mutants or time.monotonic() - begin < seconds):
        attack.send([change(draw.choice(seeds), seeds, draw) for _ in range(_AT_ONCE)])
    attack.close()
    found.seconds = time.monotonic() - begin
    return found


def _kept(keep: Path, family: str, data: bytes, words: str) -> None:
    name = hashlib.sha256(data).hexdigest()[:16]
    (keep / family).mkdir(parents=True, exist_ok=True)
    (keep / family / f"{name}.bin").write_bytes(data)
    (keep / family / f"{name}.txt").write_text(words + "\n", encoding="utf-8")


def _through_engine(found: Found, keep: Path) -> Generator[None, list[bytes], None]:
    """Portions of mutants as a folder that is classified: sent in, one by one."""
    from desktop.core.types import ImageSource
    from desktop.engine import messages as m
    from desktop.engine.client import EngineClient
    from desktop.system.memory import memory_of

    with EngineClient() as client:
        while True:
            portion = yield
            sources = tuple(ImageSource(f"{number}.bin", data=data) for number, data in enumerate(portion) if data)
            held = [data for data in portion if data]
            client.submit(m.BatchRequest(client.next_id(), _MODEL, sources))
            heard, over = time.monotonic(), False
            while not over:
                for answer in client.events(1.0):
                    now = time.monotonic()
                    found.longest_s, heard = max(found.longest_s, now - heard), now
                    if isinstance(answer, m.BatchAnswers):
                        for item in answer.items:
                            _note(found, item, held[item.position], keep)
                    elif isinstance(answer, m.EngineLost):
                        found.failures.append(f"the engine ended: {answer.reason}")
                    over = over or isinstance(answer, m.BatchDone)
                found.memory = max(found.memory, memory_of(client.pid or 0))
                if time.monotonic() - heard > _SILENT_S:
                    found.failures.append(f"nothing came for {_SILENT_S:.0f} seconds")
                if found.memory > _MOST_MEMORY:
                    found.failures.append(f"the engine holds {found.memory >> 20:,} MiB")
                if found.failures:
                    for data in held:
                        _kept(keep, found.family, data, "; ".join(found.failures))
                    break


def _note(found: Found, item: Any, data: bytes, keep: Path) -> None:
    from desktop.engine.messages import Failure

    found.mutants += 1
    if not isinstance(item, Failure):
        found.opened += 1
        return
    found.refused[item.kind] += 1
    if item.kind in _CONTAINED:
        found.contained += 1
        _kept(keep, found.family, data, f"{item.kind}: {item.message}")
        if "unexpected" in item.message:
            found.failures.append(item.message)
    elif item.kind in ("internal", "engine-died", "no-process"):
        found.failures.append(f"{item.kind}: {item.message}")
        _kept(keep, found.family, data, item.message)


def _through_children(target: str, found: Found, keep: Path) -> Generator[None, list[bytes], None]:
    """Portions of mutants through a function, in children with limits."""
    from desktop.core.types import FoveaError
    from desktop.system.workers import Fault, WorkerLimits, Workers

    workers = Workers(2, WorkerLimits())
    try:
        while True:
            portion = yield
            begin = time.monotonic()
            for data, result in zip(portion, workers.run(target, portion), strict=True):
                found.mutants += 1
                if isinstance(result, FoveaError):
                    found.refused[result.kind] += 1
                elif isinstance(result, Fault):
                    found.refused[result.kind] += 1
                    _kept(keep, found.family, data, f"{result.kind} {result.detail}")
                    if result.kind == "unexpected":
                        found.failures.append(result.detail)
                    else:
                        found.contained += 1
                else:
                    found.opened += 1
            found.longest_s = max(found.longest_s, time.monotonic() - begin)
    finally:
        workers.close()


def main(argv: list[str] | None = None) -> int:
    """Run it; 0 when no family failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("families", nargs="*", metavar="FAMILY", help=f"of {', '.join(FAMILIES)} (default: all)")
    parser.add_argument("--minutes", type=float, default=10.0, help="for each family (default: 10)")
    parser.add_argument("--seed", type=int, default=None, help="repeat a run (default: a fresh one, printed)")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-found"), help="where what was found is kept")
    parser.add_argument("--json", action="store_true", help="one JSON object a family")
    options = parser.parse_args(argv)
    unknown = [name for name in options.families if name not in FAMILIES]
    if unknown:
        parser.error(f"no family {', '.join(unknown)}; there are {', '.join(FAMILIES)}")
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 31)
    failed = False
    for family in options.families or FAMILIES:
        found = run(family, options.minutes * 60, seed, options.keep)
        failed = failed or bool(found.failures)
        print(_json(found) if options.json else _line(found), flush=True)
        for text in found.failures[:5]:
            print(f"  FAILED: {text}", flush=True)
    return 1 if failed else 0


def _line(found: Found) -> str:
    reasons = ", ".join(f"{kind} {count:,}" for kind, count in found.refused.most_common(6))
    memory = f", engine at most {found.memory >> 20} MiB" if found.memory else ""
    return (
        f"{found.family}: seed {found.seed}, {found.mutants:,} mutants in {found.seconds:.0f} s, "
        f"{found.opened:,} opened, {found.contained:,} contained, longest wait {found.longest_s:.1f} s{memory}; "
        f"refused: {reasons}"
    )


def _json(found: Found) -> str:
    return json.dumps({**found.__dict__, "refused": dict(found.refused)})


if __name__ == "__main__":
    sys.exit(main())
