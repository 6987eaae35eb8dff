"""One way to do each thing: what writes, reads, measures and guards stands in one module, and nobody goes round it."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# What is called in these modules alone; everybody else calls those modules.
ONLY: dict[str, tuple[str, ...]] = {
    "os.replace": ("desktop/system/files.py",),
    "os.fsync": ("desktop/system/files.py",),
    "shutil.disk_usage": ("desktop/system/files.py",),
    "os.statvfs": (),
    "tempfile.NamedTemporaryFile": (),
    "tempfile.mkstemp": (),
    "json.loads": ("desktop/system/strict_json.py",),
    "json.load": (),
    "json.JSONDecoder": ("desktop/core/data/parquet.py",),  # a look at the end of a file
    "csv.writer": ("desktop/system/csv_cells.py",),
    "csv.DictWriter": (),
}

# In the window's process. Each of these blocks on a child's pipe, or walks a disk, and says so in its docstring.
SUPERVISORS = (
    "desktop/services/camera.py",
    "desktop/services/engine_service.py",
    "desktop/services/evaluation.py",
    "desktop/services/cluster_job.py",
    "desktop/services/inspection.py",
    "desktop/services/model_jobs.py",
    "desktop/services/scan.py",
    "desktop/services/searching.py",
    "desktop/services/teaching.py",
    "desktop/services/training.py",
)
BACKGROUND = "desktop/services/background.py"

# Whole folders become visible by a rename, files of one's own are moved: each of these renames no half-written file.
RENAMES = (
    "desktop/app/teaching_exchange.py",
    "desktop/core/data/unpack.py",
    "desktop/ml/data/cache.py",
    "desktop/ml/exchange/import_model.py",
    "desktop/ml/exchange/install.py",
    "desktop/store/changes.py",
    "desktop/store/file_actions.py",
    "desktop/store/projects.py",
    "desktop/store/runs.py",
    "desktop/store/store.py",
    "desktop/system/crash.py",
    "desktop/system/files.py",
    "desktop/system/strict_json.py",
)


@functools.cache
def modules() -> tuple[tuple[str, ast.Module], ...]:
    files = sorted((ROOT / "desktop").rglob("*.py"))
    return tuple((path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))) for path in files)


@functools.cache
def calls(tree: ast.Module) -> frozenset[tuple[str, int]]:
    return frozenset(_calls(tree))


def _calls(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Every use of ``module.name``, whatever the module was imported as, and of a name imported from it."""
    called: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            called |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            called |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"{called.get(node.value.id, node.value.id)}.{node.attr}", node.lineno
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield called.get(node.id, node.id), node.lineno


@pytest.mark.parametrize("name", ONLY)
def test_there_is_one_place_for_it(name: str) -> None:
    found = {f"{path}:{line}" for path, tree in modules() for used, line in calls(tree) if used == name}
    stray = {place for place in found if place.rpartition(":")[0] not in ONLY[name]}
    assert not stray, f"{name}: call what {ONLY[name] or 'desktop.system'} has for it"
    assert not ONLY[name] or found, f"{name} is not used where it should be: is this rule out of date?"


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("threading.Thread", (BACKGROUND,)),
        ("threading.Timer", ()),
        ("concurrent.futures.ThreadPoolExecutor", (BACKGROUND,)),
        ("concurrent.futures.ProcessPoolExecutor", ()),
        ("PySide6.QtCore.QRunnable", ()),
        ("PySide6.QtCore.QThreadPool", ()),
        ("PySide6.QtCore.QThread", (BACKGROUND, *SUPERVISORS)),
    ],
)
def test_there_is_one_way_off_the_drawing_thread(name: str, allowed: tuple[str, ...]) -> None:
    window = ("desktop/services/", "desktop/ui/")
    found = {path for path, tree in modules() if path.startswith(window) for used, _ in calls(tree) if used == name}
    assert found <= set(allowed), f"{name}: use desktop.services.background"


def test_a_use_is_found_however_it_is_written() -> None:
    tree = ast.parse("import json as j\nfrom os import replace as put\nj.loads(x)\nput(a, b)\nf = j.load")
    assert {"json.loads", "os.replace", "json.load"} <= {name for name, _ in calls(tree)}


def test_nothing_half_written_is_renamed_into_place() -> None:
    found = {path for path, tree in modules() for name, _ in calls(tree) if name == "os.rename"}
    assert found <= set(RENAMES), "files are put in place by desktop.system.files"


def test_no_path_replaces_another_by_its_own_method() -> None:
    """``Path.replace`` takes one argument, ``str.replace`` two, ``dataclasses.replace`` one and names."""
    stray = []
    for path, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "replace":
                module = isinstance(node.func.value, ast.Name) and node.func.value.id in ("os", "dataclasses")
                if not module and len(node.args) == 1 and not node.keywords:
                    stray.append(f"{path}:{node.lineno}")
    assert not stray


@pytest.mark.parametrize(
    ("name", "home"),
    [
        ("write_atomically", "desktop/system/files.py"),
        ("free_space", "desktop/system/files.py"),
        ("csv_cell", "desktop/system/csv_cells.py"),
    ],
)
def test_a_rule_is_defined_once(name: str, home: str) -> None:
    places = {
        path
        for path, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.strip("_") == name
    }
    assert places == {home}


def test_a_batchs_answers_are_kept_once() -> None:
    """Views read what the batch's job holds; none of them makes or fills answers of its own."""
    made, filled = set(), set()
    for path, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "BatchColumns":
                made.add(path)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "take_over":
                filled.add(path)
    home = {"desktop/services/folder_job.py"}
    # A node of a cluster makes the columns of its own portion, which become rows by the same rule, and keeps none.
    # The window's method of the other name takes the paths of a second start.
    assert made == home | {"desktop/cluster/rows.py"} and filled - {"desktop/ui/shell/app.py"} == home


def test_no_other_guard_against_formulas() -> None:
    """Whoever lists the signs that begin a formula is about to write a second guard."""
    signs = ("=", "+", "-", "@")
    stray = []
    for path, tree in modules():
        for node in ast.walk(tree):
            held: set[object] = set()
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 12:
                held = set(node.value)
            elif isinstance(node, ast.Tuple | ast.List | ast.Set):
                held = {item.value for item in node.elts if isinstance(item, ast.Constant)}
            if held.issuperset(signs) and path != "desktop/system/csv_cells.py":
                stray.append(f"{path}:{getattr(node, 'lineno', 0)}")
    assert not stray


def test_no_other_words_for_a_time_span() -> None:
    """Hours are made of seconds in one place."""
    stray = []
    for path, tree in modules():
        if path == "desktop/system/duration.py":
            continue
        for node in ast.walk(tree):
            divided = isinstance(node, ast.BinOp) and isinstance(node.op, ast.FloorDiv | ast.Mod | ast.Div)
            by = node.right if isinstance(node, ast.BinOp) else None
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "divmod":
                divided, by = True, node.args[1]
            if divided and isinstance(by, ast.Constant) and by.value in (60, 3600):
                stray.append(f"{path}:{node.lineno}")  # type: ignore[attr-defined]
    assert not stray
