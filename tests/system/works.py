"""What children are told to do in the tests of :mod:`desktop.system.workers`."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from desktop.core.types import FoveaError


def double(item: int) -> int:
    return 2 * item


def pid(item: object) -> int:
    return os.getpid()


def loaded(item: str) -> bool:
    return item in sys.modules


def refuse(item: str) -> None:
    raise FoveaError("refused", f"not {item}", "Try another.")


def act(item: Any) -> Any:
    """Whatever the item says."""
    match item:
        case "abort":
            os.abort()
        case "loop":
            while True:
                pass
        case "wait":
            time.sleep(600)
        case "swell":
            held = bytearray(8 << 30)
            return len(held)
        case "fail":
            raise ValueError("/home/somebody/secret.png")
        case ("once", str(flag)):
            if not Path(flag).exists():
                Path(flag).touch()
                os.kill(os.getpid(), signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
            return "done"
        case ("slow", float(seconds)):
            time.sleep(seconds)
            return "slept"
    return item


_HELD: list[bytes] = []


def hold(size: int) -> int:
    """A leak."""
    _HELD.append(b"x" * size)
    return size
