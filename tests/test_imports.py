"""The layers, as contracts: who may import whom, and what the window's process never loads."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import patient

ROOT = Path(__file__).resolve().parent.parent


def run_python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=patient(100),
        check=False,
    )


def test_contracts_of_pyproject_hold() -> None:
    done = run_python("from importlinter.cli import lint_imports_command as run; run(['--no-logo'])")
    assert done.returncode == 0, done.stdout + done.stderr


# What is loaded after importing each entrance, in an interpreter of its own.
HEAVY = ("tensorflow", "keras", "torch", "jax", "cv2", "matplotlib", "sklearn", "scipy", "ai_edge_litert", "h5py")


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("desktop.__main__", (*HEAVY, "PySide6", "numpy", "PIL", "pydicom")),
        ("desktop.cli", (*HEAVY, "PySide6", "numpy", "PIL", "pydicom")),
        ("desktop.ui.shell.app", HEAVY),
        ("desktop.ui.shell.main_window", HEAVY),
        # What is made before the first answer: NumPy comes by a thread meanwhile.
        ("desktop.ui.classify.view", (*HEAVY, "numpy", "PIL")),
        ("desktop.ui.classify.answer_pane", (*HEAVY, "numpy", "PIL")),
        ("desktop.ui.classify.picture_pane", (*HEAVY, "numpy", "PIL")),
        ("desktop.engine.client", (*HEAVY, "PySide6")),
        ("desktop.engine.worker", ("tensorflow", "keras", "torch", "jax", "matplotlib", "PySide6")),
        ("desktop.cli.predict", ("tensorflow", "keras", "torch", "jax", "matplotlib", "PySide6")),
    ],
)
def test_import_stays_light(module: str, absent: tuple[str, ...]) -> None:
    code = "import importlib, sys; importlib.import_module(sys.argv[1]); print(*sys.modules, sep='\\n')"
    done = run_python(code, module)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert module in loaded
    assert not loaded.intersection(absent)


def _imported(path: Path) -> set[str]:
    """Every module named in an import of ``path``, at any depth, as a dotted name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def _files(package: str) -> list[Path]:
    files = sorted((ROOT / "desktop" / package).rglob("*.py"))
    assert files, package
    return files


def test_services_know_no_widgets() -> None:
    """Services run under any view: QtCore, QtGui and QtNetwork, never QtWidgets."""
    offenders = [str(path) for path in _files("services") if "PySide6.QtWidgets" in _imported(path)]
    assert not offenders


def test_core_needs_no_opencv() -> None:
    """The small edition classifies without it: with its video libraries it is a quarter of the program's size."""
    assert not {path.name for path in _files("core") if "cv2" in _imported(path)}


def test_pyplot_is_never_used() -> None:
    """pyplot keeps global figures and picks a back end; Figure and a canvas do not."""
    offenders = [str(path) for path in _files("") if "matplotlib.pyplot" in _imported(path)]
    assert not offenders


# Circles. A circle of modules can be read, tested and moved only as a whole. Counted is every import, within functions
# and under TYPE_CHECKING too: what is written there to dodge a circle is the circle. ``import a.b`` counts for a.b,
# ``from a import b`` for a.b where that is a module, else for a.


def _modules() -> dict[str, Path]:
    found = {}
    for path in (ROOT / "desktop").rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def _edges(modules: dict[str, Path]) -> dict[str, set[str]]:
    edges: dict[str, set[str]] = {}
    for name, path in modules.items():
        edges[name] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            wanted: list[str] = []
            if isinstance(node, ast.Import):
                wanted = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                inner = [f"{node.module}.{alias.name}" for alias in node.names]
                wanted = [one if one in modules else node.module for one in inner]
            edges[name] |= {one for one in wanted if one in modules and one != name}
    return edges


def _circles(edges: dict[str, set[str]]) -> list[list[str]]:
    """The strongly connected parts with more than one module (Tarjan 1972)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    held: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        order[name] = low[name] = len(order)
        held.append(name)
        for other in sorted(edges[name]):
            if other not in order:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in held:
                low[name] = min(low[name], order[other])
        if low[name] == order[name]:
            part = held[held.index(name) :]
            del held[held.index(name) :]
            if len(part) > 1:
                found.append(sorted(part))

    for name in sorted(edges):
        if name not in order:
            visit(name)
    return found


def test_no_circle_of_imports() -> None:
    assert _circles(_edges(_modules())) == []


def test_a_circle_would_be_found() -> None:
    edges = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set(), "e": {"f"}, "f": {"e"}}
    assert _circles(edges) == [["a", "b", "c"], ["e", "f"]]
