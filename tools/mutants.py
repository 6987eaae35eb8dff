"""Puts small faults into the modules that decide something, one at a time, and looks whether a test turns red.

``python tools/mutants.py [MODULE ...]`` (``make mutants``): without names every module of TARGETS. What survives is
listed; exit status 1 when something does that is not in ``tools/mutants_equivalent.json``, with a reason for each.

One pytest process for all modules that the same tests hold collects those once and asks once which lines each comes to;
each fault runs in a fork of it, where the changed functions get their new code, and only those tests run whose lines
hold the fault, the quickest first, up to the first that fails. Needs ``os.fork``: Linux or macOS.
"""

from __future__ import annotations

import argparse
import ast
import gc
import inspect
import json
import os
import re
import signal
import subprocess
import sys
import time
import types
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(Path(__file__).resolve().parent))

import mutate  # noqa: E402 - lies beside this file

_PLACE = re.compile(r" at 0x[0-9a-f]+")


class Target(NamedTuple):
    """A module, the test files that hold it, and whether its words matter (notices) or only what it decides."""

    module: str
    tests: tuple[str, ...]
    words: bool = False


_BY_HAND = tuple(f"tests/core/figures/test_{name}.py" for name in ("by_definition", "figures_by_hand", "metrics"))
_CLUSTERED = ("tests/core/figures/test_clustered_by_definition.py",)
_COMPARISON = ("tests/core/figures/test_comparison_by_definition.py",)
_RESULT = ("tests/core/figures/test_result.py", "tests/core/figures/test_result_by_definition.py")
_FILES = ("tests/core/figures/test_result_files.py",)
_THRESHOLDS = ("tests/core/figures/test_thresholds.py",)
_TEACHING = tuple(f"tests/ml/teaching/test_{name}.py" for name in ("accuracy", "ridge"))
_GATES = ("tests/ml/packaging/test_gates.py",)
TARGETS = (
    Target("desktop.core.figures.calibration", (*_BY_HAND, *_RESULT)),
    Target("desktop.core.figures.clustered", _CLUSTERED),
    Target("desktop.core.figures.comparison", (*_COMPARISON, *_BY_HAND)),
    Target("desktop.core.figures.decision", ("tests/core/figures/test_decision.py",)),
    Target("desktop.core.figures.gallery_order", ("tests/core/figures/test_gallery_order.py",)),
    Target("desktop.core.figures.intervals", (*_BY_HAND, *_CLUSTERED, *_THRESHOLDS, *_RESULT)),
    Target("desktop.core.figures.metrics", _BY_HAND),
    Target("desktop.core.figures.public_names", ("tests/core/figures/test_public_names.py",), True),
    Target("desktop.core.figures.result", (*_RESULT, *_FILES)),
    Target("desktop.core.figures.result_files", _FILES),
    Target("desktop.core.figures.store", ("tests/core/figures/test_store.py", "tests/core/figures/test_result.py")),
    Target("desktop.core.figures.table", ("tests/core/figures/test_table.py",), True),
    Target("desktop.core.figures.works_here", ("tests/core/figures/test_works_here.py",)),
    Target("desktop.core.figures.thresholds", (*_THRESHOLDS, "tests/core/figures/test_metrics.py")),
    Target("desktop.core.pictures.dicom.directory", ("tests/core/pictures/dicom/test_directory_by_rule.py",)),
    Target("desktop.core.pictures.dicom.series", ("tests/core/pictures/dicom/test_series_by_rule.py",)),
    Target("desktop.core.trust.conformal", ("tests/core/trust/test_conformal.py",)),
    Target(
        "desktop.core.trust.domain",
        ("tests/core/trust/test_domain.py", "tests/core/trust/test_domain_by_definition.py"),
    ),
    Target("desktop.core.trust.neighbours", ("tests/core/trust/test_neighbours.py",)),
    Target("desktop.core.trust.polarity", ("tests/core/trust/test_polarity.py",)),
    Target("desktop.core.trust.saliency", ("tests/core/trust/test_saliency.py",)),
    Target("desktop.core.trust.packed", ("tests/core/trust/test_packed.py",)),
    Target("desktop.core.trust.first_layer", ("tests/core/trust/test_first_layer.py",)),
    Target("desktop.core.trust.general_words", ("tests/core/trust/test_general_words.py",)),
    Target("desktop.core.trust.reasons", ("tests/core/trust/test_reasons.py",), True),
    Target("desktop.core.trust.second", ("tests/core/trust/test_second.py",)),
    Target("desktop.core.trust.shown", ("tests/core/trust/test_shown.py",)),
    Target("desktop.core.trust.suiting", ("tests/core/trust/test_suiting.py",), True),
    Target("desktop.core.notices", ("tests/core/test_notices.py",), True),
    Target("desktop.core.data.fitness", ("tests/core/data/test_fitness.py",)),
    Target("desktop.core.data.label_map", ("tests/core/data/test_label_map.py",)),
    Target("desktop.core.data.persons", ("tests/core/data/test_persons.py",)),
    Target("desktop.core.data.splits", ("tests/core/data/test_splits.py",)),
    Target("desktop.core.data.person_names", ("tests/core/data/test_person_names.py",)),
    Target("desktop.system.csv_cells", ("tests/system/test_csv_cells.py",)),
    Target("desktop.store.manifest", ("tests/store/test_manifest.py",)),
    Target("desktop.store.model_limits", ("tests/store/test_model_limits.py",)),
    Target("desktop.ml.packaging.calibrate", ("tests/ml/packaging/test_calibrate.py",)),
    Target("desktop.ml.packaging.package", (*_GATES, "tests/ml/packaging/test_package_rules.py")),
    Target("desktop.ml.packaging.decide", (*_GATES, "tests/ml/packaging/test_decide.py")),
    Target("desktop.ml.teaching.accuracy", _TEACHING),
    Target("desktop.ml.teaching.ridge", _TEACHING),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; a table and the survivors on standard output."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="desktop.… (without: all of them)")
    parser.add_argument("--jobs", type=int, default=2, help="faults at work at once (2)")
    parser.add_argument("--lines", help="only faults of these lines, FROM-TO, several with commas")
    parser.add_argument("--json", type=Path, help="write what was found there as well")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    known = {target.module: target for target in TARGETS}
    strange = [name for name in options.modules if name not in known]
    if strange:
        parser.error(f"not one of the modules that are checked: {', '.join(strange)}")
    if options.inside:
        return _inside([known[name] for name in options.inside.split(",")], options)
    groups: dict[tuple[str, ...], list[Target]] = {}
    for target in TARGETS:
        if not options.modules or target.module in options.modules:
            groups.setdefault(target.tests, []).append(target)
    results: dict[str, dict[str, Any]] = {}
    for targets in groups.values():
        results |= _checked(targets, options)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"\n{'module':<42}{'faults':>8}{'noticed':>9}{'alike':>7}{'survive':>9}")
    for module, found in results.items():
        print(
            f"{module:<42}{found['faults']:>8}{found['noticed']:>9}{len(found['alike']):>7}{len(found['survive']):>9}"
        )
    return 1 if any(found["survive"] or found["stale"] for found in results.values()) else 0


def _checked(targets: Sequence[Target], options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """What became of the faults of modules that the same tests hold, in a process of its own."""
    names = ",".join(target.module for target in targets)
    out = Path(os.environ.get("TMPDIR", "/tmp"), f"fovea-mutants-{os.getpid()}.json")
    command = [sys.executable, __file__, "--inside", names, "--jobs", str(options.jobs), "--json", str(out)]
    if options.lines:
        command += ["--lines", options.lines]
    done = subprocess.run(command, cwd=ROOT, check=False)
    if done.returncode or not out.is_file():
        raise SystemExit(f"{names}: the tests do not pass as it is, or could not be run")
    results: dict[str, dict[str, Any]] = json.loads(out.read_text(encoding="utf-8"))
    out.unlink()
    return results


def _sorted_out(module: str, found: dict[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    """``found`` with its survivors parted into those that change nothing and the others."""
    alike = _alike().get(module, {})
    survive = found.pop("survivors")
    found["alike"] = sorted(one["key"] for one in survive if one["key"] in alike)
    found["survive"] = [one for one in survive if one["key"] not in alike]
    found["stale"] = [] if options.lines else sorted(set(alike) - set(found["alike"]))
    return found


def _told(module: str, found: dict[str, Any]) -> str:
    lines = [f"{module}: {found['faults']} faults, {found['noticed']} noticed, {found['seconds']} s"]
    for one in found["survive"]:
        lines.append(f"  survives  line {one['line']}: {one['key']}{'' if one['tests'] else '  (no test comes here)'}")
    lines += [f"  no longer a survivor: {key}" for key in found["stale"]]
    return "\n".join(lines) + "\n"


def _alike() -> dict[str, dict[str, str]]:
    """Faults that change nothing anybody can see, with the reason, by module."""
    path = ROOT / "tools" / "mutants_equivalent.json"
    found: dict[str, dict[str, str]] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found


# Inside the process of some modules


def _inside(targets: Sequence[Target], options: argparse.Namespace) -> int:
    import hypothesis
    import pytest

    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    hypothesis.settings.register_profile("mutants", derandomize=True, deadline=None, database=None, phases=phases)
    hunt = Hunt(targets, options)
    tests = [name for name in targets[0].tests if (ROOT / name).exists()]
    # The profile must be told here: the tests' own one, which looks for the smallest example, is loaded before.
    told = ["--hypothesis-profile=mutants", "-o", "faulthandler_timeout=0", "--timeout=600"]
    code = pytest.main(["-q", "-x", "-p", "no:cacheprovider", *told, *tests], plugins=[hunt])
    if len(hunt.results) < len(targets):
        return int(code) or 1
    options.json.write_text(json.dumps(hunt.results), encoding="utf-8")
    return 0


class Hunt:
    """Takes the place of pytest's own loop over the tests."""

    def __init__(self, targets: Sequence[Target], options: argparse.Namespace) -> None:
        self.targets, self.options = targets, options
        self.results: dict[str, dict[str, Any]] = {}
        self._out = os.dup(1)  # before pytest takes the standard output for itself
        self._failed = False
        self._first = ""
        self._spent: dict[str, float] = {}

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Hear how a test went."""
        self._failed |= bool(report.failed)
        if report.failed:
            self._first = self._first or f"{report.nodeid}\n{report.longreprtext[-2000:]}"
        self._spent[report.nodeid] = self._spent.get(report.nodeid, 0.0) + report.duration

    def pytest_runtestloop(self, session: Any) -> bool:
        """The tests as they are, once, then every fault."""
        if session.testsfailed:
            return True
        files = {target: _file_of(target.module) for target in self.targets}
        # Once, and not in every fork: it looks through all folders that other runs have left.
        session.config._tmp_path_factory.getbasetemp()
        seen = self._covered(session, list(files.values()))
        if seen is None:
            return True
        items = {item.nodeid: item for item in session.items}
        gc.freeze()
        for target, file in files.items():
            found = _sorted_out(target.module, self._hunted(target, file, seen, items), self.options)
            self.results[target.module] = found
            os.write(self._out, _told(target.module, found).encode())
        return True

    def _hunted(self, target: Target, file: str, seen: dict[str, Any], items: dict[str, Any]) -> dict[str, Any]:
        """One module's faults: how many there are, how many are noticed, which are not."""
        began = time.monotonic()
        found = list(mutate.mutants(Path(file).read_text(encoding="utf-8"), target.words))
        if self.options.lines:
            ranges = [[int(part) for part in each.split("-")] for each in self.options.lines.split(",")]
            found = [one for one in found if any(each[0] <= one.line <= each[-1] for each in ranges)]
        module = import_module(target.module)
        survivors: list[dict[str, Any]] = []
        for one, tests, noticed in self._tried(module, found, seen["lines"][file], seen["spent"], items):
            if not noticed:
                survivors.append({"key": one.key, "line": one.line, "tests": len(tests)})
        survivors.sort(key=lambda one: one["line"])
        noticed_of = len(found) - len(survivors)
        seconds = round(time.monotonic() - began)
        return {"faults": len(found), "noticed": noticed_of, "survivors": survivors, "seconds": seconds}

    def _covered(self, session: Any, files: list[str]) -> dict[str, Any] | None:
        """By file and line the tests that come there, and how long each takes; ``None`` where one fails."""
        import coverage

        read, write = os.pipe()
        if os.fork() == 0:
            os.close(read)
            cover = coverage.Coverage(include=files, data_file=None, config_file=False)
            cover.start()
            for item in session.items:
                cover.switch_context(item.nodeid)
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            cover.stop()
            by_line = {file: cover.get_data().contexts_by_lineno(file) for file in files}
            text = json.dumps({"failed": self._first, "lines": by_line, "spent": self._spent})
            with os.fdopen(write, "w", encoding="utf-8") as stream:
                stream.write(text)
            os._exit(0)
        os.close(write)
        with os.fdopen(read, encoding="utf-8") as stream:
            text = stream.read()
        os.wait()
        seen: dict[str, Any] = json.loads(text) if text else {"failed": "the tests' process ended"}
        if seen["failed"]:
            print(f"\nnot as it is, either: {seen['failed']}", file=sys.stderr)
            return None
        return seen

    def _tried(
        self,
        module: types.ModuleType,
        found: list[mutate.Mutant],
        by_line: dict[str, list[str]],
        spent: dict[str, float],
        items: dict[str, Any],
    ) -> Iterator[tuple[mutate.Mutant, list[str], bool]]:
        running: dict[int, tuple[mutate.Mutant, list[str], float]] = {}
        waiting = list(reversed(found))
        while waiting or running:
            while waiting and len(running) < self.options.jobs:
                one = waiting.pop()
                names = {name for line in range(one.line, one.end + 1) for name in by_line.get(str(line), ())}
                chosen = items.keys() if one.at_import else names & items.keys()
                tests = sorted(chosen, key=lambda name: spent[name])
                if not tests:
                    yield one, tests, False
                    continue
                pid = os.fork()
                if pid == 0:
                    os._exit(self._noticed(module, one, [items[name] for name in tests]))
                limit = 60 + 20 * sum(spent[name] for name in tests)
                running[pid] = one, tests, time.monotonic() + limit
            if not running:
                continue
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                for late, (_, _, end) in running.items():
                    if time.monotonic() > end:
                        os.kill(late, signal.SIGKILL)  # it goes round for ever: noticed
                time.sleep(0.01)
                continue
            if pid in running:
                one, tests, _ = running.pop(pid)
                yield one, tests, status != 0

    def _noticed(self, module: types.ModuleType, one: mutate.Mutant, items: list[Any]) -> int:
        """In a fork: 0 when every test passes in spite of the fault."""
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        gc.disable()  # a collection would write to every object, and so copy the memory that both share
        if items:
            items[0].config.pluginmanager.unregister(name="terminalreporter")
            items[0].config.option.tbstyle = "no"  # nobody reads why
        try:
            put_in(module, one.tree)
        except BaseException:
            return 1  # a module that cannot even be imported
        for item in items:
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            if self._failed:
                return 1
        return 0


def _file_of(module: str) -> str:
    return inspect.getsourcefile(import_module(module)) or ""


def put_in(module: types.ModuleType, tree: ast.Module) -> None:
    """Give ``module``'s functions the code of ``tree``, and its constants their values there."""
    new = types.ModuleType(module.__name__)
    new.__dict__.update({name: module.__dict__[name] for name in ("__file__", "__package__", "__spec__", "__loader__")})
    exec(compile(tree, module.__file__ or "", "exec", dont_inherit=True), new.__dict__)
    for name, value in list(new.__dict__.items()):
        held = module.__dict__.get(name)
        if name.startswith("__") or isinstance(value, types.ModuleType):
            continue
        before, after = _function_of(held), _function_of(value)
        if before is not None and after is not None:
            _into(before, after)
            _forget(held)
        elif isinstance(value, type) and isinstance(held, type):
            if value.__module__ == module.__name__:
                _into_class(held, value)
        elif getattr(value, "__module__", "") != getattr(held, "__module__", "") or _differs(held, value):
            for other in list(sys.modules.values()):  # whoever has imported the constant by name
                if getattr(other, "__dict__", {}).get(name) is held and held is not None:
                    setattr(other, name, value)


def _differs(held: Any, value: Any) -> bool:
    try:
        return _PLACE.sub("", repr(held)) != _PLACE.sub("", repr(value))
    except Exception:
        return False


def _into(held: types.FunctionType, value: types.FunctionType) -> None:
    inner: Any = held
    new: Any = value
    while hasattr(inner, "__wrapped__") and hasattr(new, "__wrapped__"):
        inner, new = inner.__wrapped__, new.__wrapped__
    if inner.__code__ != new.__code__:
        inner.__code__ = new.__code__
    if _differs(inner.__defaults__, new.__defaults__):
        inner.__defaults__ = new.__defaults__
    if _differs(inner.__kwdefaults__, new.__kwdefaults__):
        inner.__kwdefaults__ = new.__kwdefaults__


def _into_class(held: type, value: type) -> None:
    for name, new in list(vars(value).items()):
        old = vars(held).get(name)
        before, after = _function_of(old), _function_of(new)
        if before is not None and after is not None:
            _into(before, after)
            _forget(old)
        if _function_of(new) is None and _differs(old, new) and not name.startswith("__"):
            try:
                setattr(held, name, new)
            except (AttributeError, TypeError):
                continue


def _function_of(part: Any) -> types.FunctionType | None:
    """The function in ``part``: a property, a method, a function whose results are kept, or that itself."""
    for name in ("fget", "func", "__func__"):
        part = getattr(part, name, part)
    if hasattr(part, "cache_clear"):
        part = part.__wrapped__
    return part if isinstance(part, types.FunctionType) else None


def _forget(part: Any) -> None:
    """Drop the results that a function keeps: they are those of its code without the fault."""
    if hasattr(part, "cache_clear"):
        part.cache_clear()


if __name__ == "__main__":
    sys.exit(main())
