"""Pickles that others wrote, read without running anything: of the names in them only those of a table are known.

:func:`opcodes` looks a pickle over before :class:`StrictUnpickler` reads it.
"""

from __future__ import annotations

import pickle
import pickletools
from collections.abc import Collection, Iterator, Mapping
from typing import IO, Any

Names = Mapping[tuple[str, str], Any]
"""What stands in for a module and a name: each must be harmless whatever it is called with."""
_MEMO = ("PUT", "LONG_BINPUT")  # a number behind these makes the reader allocate as much


class CarriesCodeError(Exception):
    """The pickle asks for a name that is in no table, or builds objects; the message is what it asks for."""


class TooManyOpcodesError(Exception):
    """The pickle has more opcodes, or remembers more, than what it should hold needs."""


def opcodes(pickled: bytes | IO[bytes], known: Collection[str], names: Names, most: int) -> Iterator[tuple[str, Any]]:
    """The opcodes of a pickle and their arguments, one after the other, without reading it; a stream is left behind its
    end. Raises :class:`CarriesCodeError` for an opcode that is not ``known`` and a name that is not in ``names``,
    :class:`TooManyOpcodesError` beyond ``most``, and whatever a damaged pickle makes the library raise."""
    for count, (opcode, argument, _) in enumerate(pickletools.genops(pickled)):
        if opcode.name not in known:
            raise CarriesCodeError(opcode.name)
        if opcode.name == "GLOBAL" and tuple(str(argument).split(" ", 1)) not in names:
            raise CarriesCodeError(str(argument).replace(" ", "."))
        if count > most or (opcode.name in _MEMO and int(argument or 0) > most):
            raise TooManyOpcodesError
        yield opcode.name, argument


class StrictUnpickler(pickle.Unpickler):
    """Reads ``file`` with what ``names`` gives. Raises :class:`CarriesCodeError` for every other name, and whatever
    :class:`pickle.Unpickler` raises."""

    def __init__(self, file: IO[bytes], names: Names, **how: Any) -> None:
        super().__init__(file, **how)
        self._names = names

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in for a name; every other name is code and refused."""
        try:
            return self._names[module, name]
        except KeyError:
            raise CarriesCodeError(f"{module}.{name}") from None
