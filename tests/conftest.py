"""What every test stands on: no display needed, nothing of the user's read or written.

Qt is not imported here, so that the tests of core, store and engine run without it.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
import pytest_timeout

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from desktop.services.garbage import GarbageKeeper

# Read by Qt, Keras, TensorFlow and matplotlib when they are first imported, here or in a child process: set before.
_SCRATCH = tempfile.TemporaryDirectory(prefix="fovea-tests-", ignore_cleanup_errors=True)
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["KERAS_HOME"] = str(Path(_SCRATCH.name, "keras"))
os.environ["MPLCONFIGDIR"] = str(Path(_SCRATCH.name, "matplotlib"))
os.environ["MPLBACKEND"] = "Agg"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# Threads of linear algebra wait for each other by spinning: small products on a busy machine took ten times as long.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
for _name in ("KERAS_BACKEND", "FOVEA_BACKEND", "FOVEA_HOME", "QT_STYLE_OVERRIDE", "QT_SCALE_FACTOR"):
    os.environ.pop(_name, None)
# Modules, classes and sessions may start engines too, before any test's own folder is set.
os.environ["FOVEA_HOME"] = str(Path(_SCRATCH.name, "home"))

# Hundreds of processes are started: without their compiled modules each would compile Fovea anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A shell starts background jobs with Ctrl-C ignored, and every child inherits that: the tests of Ctrl-C would wait.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


from tests.engine.jobs import obedient_job  # noqa: E402  # after the environment is set
from tests.patience import patient  # noqa: E402

# How fast an example is drawn or tried says what else the machine does, nothing about Fovea. 'search' is for runs that
# have the time to look for what nobody thought of (`make fuzz`): new examples each time, many of them.
_UNTIMED = {"deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow], "print_blob": True}
hypothesis.settings.register_profile("fovea", **_UNTIMED)
hypothesis.settings.register_profile("search", max_examples=2000, **_UNTIMED)
hypothesis.settings.load_profile("fovea")

__all__ = ["fovea_home", "obedient_job", "qapp", "qtbot", "shared_data"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Workers begin with the files that take longest: whoever begins one last keeps the others waiting."""
    if not hasattr(config, "workerinput"):
        return
    names = Path(__file__).with_name("longest_first.txt").read_text("utf-8").split("\n")
    place = {name: number for number, name in enumerate(names)}
    items.sort(key=lambda item: place.get(item.nodeid.partition("::")[0], len(place)))


@pytest.hookimpl(tryfirst=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: pytest_timeout.Settings) -> bool:
    """A test that hangs is ended; one that waits for a busy machine is not."""
    longer = settings._replace(timeout=patient(settings.timeout))
    return bool(pytest_timeout.pytest_timeout_set_timer(item, longer))


@pytest.fixture
def qtbot(qapp: Any, request: pytest.FixtureRequest) -> Any:
    """pytest-qt's, with patience."""
    from tests.patient_bot import PatientBot

    return PatientBot(request)


@pytest.fixture(autouse=True)
def fovea_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for all that Fovea writes during this test, children included."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("FOVEA_HOME", str(home))
    return home


@pytest.fixture(scope="session")
def qapp(qapp: QApplication) -> Iterator[QApplication]:
    """The application of all tests in this process, its garbage collected as the program's own is."""
    from desktop.services.garbage import GarbageKeeper

    _keepers.append(GarbageKeeper(qapp))
    yield qapp
    # Qt's platform without a screen keeps what was copied beyond Python's own end, and would crash there.
    qapp.clipboard().clear()
    _keepers.clear()


_keepers: list[GarbageKeeper] = []


def pytest_runtest_logfinish() -> None:
    """Collects between tests as well: not all of those that follow one with a window let events happen. And lets go of
    the windows that were closed: dressing the next one would dress all of them once more."""
    if not _keepers:
        return
    from PySide6.QtCore import QCoreApplication, QEvent

    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    for keeper in _keepers:
        keeper.look()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public image sets; a test that needs it is skipped where there is none."""
    from desktop import paths

    folder = paths.shared_data()
    if folder is None:
        pytest.skip("the public image sets are not here; FOVEA_DATA names their folder")
    return folder
