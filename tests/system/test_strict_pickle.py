"""Pickles of others: what is not in the table of names is never called, and what would fill the memory is not read."""

from __future__ import annotations

import io
import os
import pickle
from collections import OrderedDict

import pytest

from desktop.system.strict_pickle import CarriesCodeError, StrictUnpickler, TooManyOpcodesError, opcodes

NAMES = {("collections", "OrderedDict"): dict}
KNOWN = ("PROTO", "FRAME", "GLOBAL", "STACK_GLOBAL", "EMPTY_TUPLE", "REDUCE", "STOP", "MEMOIZE", "SHORT_BINUNICODE",
         "BINPUT", "PUT", "LONG_BINPUT", "EMPTY_LIST", "BININT1", "APPENDS", "MARK")  # fmt: skip


class Runs:
    def __reduce__(self) -> object:
        return os.getcwd, ()


def test_what_stands_in_for_a_name_is_called_instead_of_it() -> None:
    found = StrictUnpickler(io.BytesIO(pickle.dumps(OrderedDict())), NAMES).load()
    assert type(found) is dict


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_name_that_is_in_no_table_is_refused(protocol: int) -> None:
    data = pickle.dumps(Runs(), protocol)
    with pytest.raises(CarriesCodeError, match=r"\.getcwd"):
        StrictUnpickler(io.BytesIO(data), NAMES).load()
    if protocol < 4:  # later ones name it on the stack: the reader alone sees it
        with pytest.raises(CarriesCodeError, match="getcwd"):
            list(opcodes(data, KNOWN, NAMES, 100))


def test_an_opcode_that_is_not_expected_is_refused_before_anything_is_read() -> None:
    with pytest.raises(CarriesCodeError, match="EMPTY_DICT"):
        list(opcodes(pickle.dumps({}), KNOWN, NAMES, 100))


def test_a_known_one_is_gone_through_to_its_end_and_the_stream_left_there() -> None:
    stream = io.BytesIO(pickle.dumps([1, 2], 2) + b"more")
    names = [name for name, _ in opcodes(stream, KNOWN, NAMES, 100)]
    assert names[0] == "PROTO" and names[-1] == "STOP" and stream.read() == b"more"


def test_too_many_opcodes_and_a_memory_too_large_are_refused() -> None:
    data = pickle.dumps([1, 2], 2)  # 8 opcodes, the last is number 7
    count = len(list(opcodes(data, KNOWN, NAMES, 100)))
    assert len(list(opcodes(data, KNOWN, NAMES, count - 1))) == count
    with pytest.raises(TooManyOpcodesError):
        list(opcodes(data, KNOWN, NAMES, count - 2))
    for put in (b"p101\n", b"r\x65\x00\x00\x00"):
        large = b"]" + put + b"."
        assert len(list(opcodes(large, KNOWN, NAMES, 101))) == 3
        with pytest.raises(TooManyOpcodesError):
            list(opcodes(large, KNOWN, NAMES, 100))
