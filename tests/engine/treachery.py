"""Faults put into the program's children: a decoder that dies or never ends at certain file names, as a fault in native
code would make it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_TREACHEROUS = """
import importlib.machinery, os, sys, time

def decoder(module):
    real = module.decode
    def decode(source, **options):
        name = source.name
        seen = True
        if source.path is not None:
            seen = os.path.exists(source.path + '.seen')
            open(source.path + '.seen', 'w').close()
        if name.startswith('deadly'):
            os.abort()
        while name.startswith('looping'):
            pass
        while name.startswith('swelling'):
            held = globals().setdefault('held', [])
            held.append(bytearray(64 << 20))
        while name == 'stuck.png' or name == 'stuck-once.png' and not seen:
            time.sleep(1)
        return real(source, **options)
    module.decode = decode

def answers(module):
    real = module.prediction_of
    def prediction_of(request, source, *rest):
        if source.name == 'fatal.png':
            os.abort()
        return real(request, source, *rest)
    module.prediction_of = prediction_of

CHANGES = {'desktop.core.pictures.decode': decoder, 'desktop.engine.answers': answers}

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name not in CHANGES:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        run = spec.loader.exec_module
        def exec_module(module):
            run(module)
            CHANGES[name](module)
        spec.loader.exec_module = exec_module
        return spec

sys.meta_path.insert(0, Finder())
"""


def put_treachery(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Children of this process get a decoder that ends its process at ``deadly*``, loops at ``looping*``, takes memory
    without end at ``swelling*`` and hangs at ``stuck.png`` (the first time only: ``stuck-once.png``); and an engine
    that ends when it has answered for ``fatal.png``."""
    site = folder / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(_TREACHEROUS)
    put_first(monkeypatch, site)


def put_first(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Children find the modules in ``folder`` before all others; this process does not."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]))
