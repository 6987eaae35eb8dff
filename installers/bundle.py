"""What the frozen program's folder holds: what is left out, stripping, sizes and their ceilings.

`build.spec` calls this. Fovea's own modules are never listed here: PyInstaller collects all of `desktop`. What is
left out are parts of others' packages; the frozen self-test exercises everything that remains in use.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

Entry = tuple[str, str, str]  # PyInstaller's: name inside the program, file, kind

MB = 1_000_000
FLAVOURS = ("full", "viewer")
# Largest size of the unpacked folder without extra models, in MB of 10^6 bytes.
CEILINGS = {"full": 1640, "viewer": 365}
LARGEST = 20
PROGRAM, WINDOW_PROGRAM = "fovea", "Fovea Window"
BUILD = "build.json"

# Never used, drawn in by hooks and by optional imports of others.
_EXCLUDES = (
    *("IPython", "PyQt5", "PyQt6", "_pytest", "hypothesis", "jax", "mypy", "pandas", "pytest", "tkinter", "torch"),
    *("PySide6.QtOpenGL", "PySide6.QtOpenGLWidgets", "PySide6.QtQml", "PySide6.QtQuick", "PySide6.scripts"),
    *("Cython", "clang", "jinja2", "markupsafe", "networkx", "pygments", "pydoc_data", "sympy", "yaml"),
    *("grpc", "lib2to3", "matplotlib.tests", "mpl_toolkits", "numpy.testing.tests", "pythonwin", "test"),
    # An optional extra of the package; the export says so.
    *("onnx", "onnxruntime", "tf2onnx"),
    # Their libraries are under the GPL; a program without a prompt needs neither.
    *("readline", "_gdbm", "dbm.gnu"),
)
# What trains: without it the program classifies, evaluates and draws.
_TRAINING = (
    *("absl", "astunparse", "cv2", "flatbuffers.tests", "gast", "google", "grpc", "h5py", "keras", "ml_dtypes"),
    *(
        "namex",
        "onnx",
        "onnxruntime",
        "optree",
        "optuna",
        "rich",
        "sqlalchemy",
        "alembic",
        "tensorboard",
        "tensorflow",
        "wrapt",
    ),
)
# Of packages that are in use, parts that are not, unless Fovea imports them.
_SELDOM = tuple(
    f"sklearn.{name}"
    for name in (
        *("_loss", "cluster", "covariance", "cross_decomposition", "decomposition", "ensemble", "experimental"),
        *("feature_extraction", "feature_selection", "gaussian_process", "impute", "inspection", "linear_model"),
        *("manifold", "mixture", "model_selection", "neighbors", "neural_network", "pipeline", "semi_supervised"),
        *("svm", "tree"),
    )
)
# Matched against the path inside the program folder, with forward slashes.
_LEFT_OUT = (
    # Qt's GTK theme needs a whole desktop's libraries; without it Qt draws its own dialogs.
    *(
        "*libqgtk3*",
        "libgtk-3*",
        "libgdk-3*",
        "libgdk_pixbuf*",
        "libatk*",
        "libatspi*",
        "libcairo*",
        "libpango*",
        "libepoxy*",
    ),
    *("libharfbuzz.so*", "libfribidi.so*", "libthai*", "libdatrie*", "libgraphite2*", "libpixman*"),
    # Platforms without a desktop, and what only they use.
    *("*libqeglfs*", "*libqlinuxfb*", "*libqvnc*", "*libqminimal*", "*libqvkkhrdisplay*", "*libqpdf*"),
    *("*libQt6EglF*", "*/egldeviceintegrations/*", "*/plugins/generic/*", "*/plugins/networkinformation/*"),
    # Of Qt's own words those of Fovea's languages alone (_KEPT), of Fovea's the compiled ones. The window draws icons
    # in SVG, pictures to look at in PNG and JPEG.
    *("*/Qt/translations/*", "*/PySide6/translations/*", "*/Qt6/translations/*", "resources/translations/*.ts"),
    *("*libqtiff*", "*libqtga*", "*libqwbmp*", "*libqicns*", "*libqpdf*", "*qtiff.dll", "*qtga.dll", "*qwbmp.dll"),
    *("*qicns.dll", "*opengl32sw.dll", "*/libivi-shell.so", "*/libfullscreen-shell*"),
    # For building against a package, and for its own tests.
    *("*.h", "*.hpp", "*.cuh", "*.inc", "*.proto", "*.pyi", "*.pxd", "*.pyx", "*.lib", "*.a", "*.cmake"),
    *("tensorflow/include/*", "tensorflow/xla_aot_runtime_src/*", "*/tests/*", "*/test/*", "*/__pycache__/*"),
    *("matplotlib/mpl-data/sample_data/*", "sklearn/datasets/data/*", "sklearn/datasets/descr/*"),
    # Fonts that no plot of Fovea's names: serifs, and PostScript's own.
    *("*/mpl-data/fonts/afm/*", "*/mpl-data/fonts/pdfcorefonts/*", "*/mpl-data/fonts/ttf/DejaVuSerif*"),
    # The reader of Matrix Market files, which SciPy loads when one is opened.
    "*/_fast_matrix_market/_fmm_core*",
    # TensorFlow's profiler, for which a small module stands in; its StableHLO tools and its XLA operations, which no
    # training and no export opens (seen by tracing the files that a whole self-test training opens).
    *("*_pywrap_profiler_plugin*", "*stablehlo_extension.so", "*/tf2xla/ops/_xla_ops.so"),
)
# Buttons of dialogs and menus of text fields, in each language that Fovea speaks: 1.1 MB.
_TRANSLATIONS = Path(__file__).resolve().parent.parent / "resources" / "translations"
LANGUAGES = tuple(sorted(path.stem.removeprefix("fovea_") for path in _TRANSLATIONS.glob("fovea_*.ts")))
_KEPT = tuple(f"*/translations/qtbase_{language}.qm" for language in LANGUAGES)
# One small file a transfer syntax of those that pydicom brings for its tests: the self-test decodes them.
DICOM_SAMPLES = (
    *("rtdose_1frame.dcm", "MR_small.dcm", "image_dfl.dcm", "SC_rgb_small_odd_big_endian.dcm", "SC_rgb_rle.dcm"),
    *("SC_rgb_small_odd_jpeg.dcm", "JPGExtended.dcm", "SC_rgb_jpeg_gdcm.dcm", "MR_small_jpeg_ls_lossless.dcm"),
    *("JPEGLSNearLossless_16.dcm", "MR_small_jp2klossless.dcm", "JPEG2000.dcm"),
)


def excludes(flavour: str) -> list[str]:
    """Modules that PyInstaller is not to collect."""
    used = imported_by_fovea()
    seldom = {name for name in _SELDOM if not any(f"{module}.".startswith(f"{name}.") for module in used)}
    return sorted({*_EXCLUDES, *seldom, *(_TRAINING if flavour == "viewer" else ())})


def imported_by_fovea() -> set[str]:
    """Every module that a file of Fovea names in an import, at any depth."""
    found: set[str] = set()
    for path in (Path(__file__).resolve().parent.parent / "desktop").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                found.add(node.module)
                found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def is_wanted(destination: str) -> bool:
    """Whether the file ``destination`` (a path inside the folder) belongs into the program."""
    path = destination.replace(os.sep, "/")
    if any(fnmatchcase("/" + path, pattern) for pattern in _KEPT):
        return True
    return not any(fnmatchcase(path, pattern) or fnmatchcase("/" + path, pattern) for pattern in _LEFT_OUT)


def dicom_samples() -> list[tuple[str, str]]:
    """The DICOM files of the self-test as PyInstaller's pairs of file and folder."""
    import pydicom.data

    folder = Path(str(pydicom.data.__file__)).parent / "test_files"
    return [(str(folder / name), "resources/dicom") for name in DICOM_SAMPLES]


def stand_ins(flavour: str) -> list[Entry]:
    """Small modules in the places of large ones that are imported and never used."""
    if flavour != "full":
        return []
    place = "tensorflow/python/profiler/internal"
    folder = Path(__file__).parent / "stand_ins"
    return [(f"{place}/{path.name}", str(path), "DATA") for path in sorted(folder.glob("*.py"))]


def build_facts(flavour: str, work: Path) -> tuple[str, str, str]:
    """Which commit is built, as a file of the program (an entry for PyInstaller): a trial names what it tried."""
    from installers import evidence

    path = work / BUILD
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(evidence.head("build") | {"flavour": flavour}, indent=1) + "\n", encoding="utf-8")
    return BUILD, str(path), "DATA"


def built(folder: Path) -> dict[str, Any]:
    """What :func:`build_facts` wrote into the program in ``folder``; empty for one that says nothing."""
    for path in (folder / "_internal" / BUILD, folder / BUILD, folder.parent / "Resources" / BUILD):
        if path.is_file():
            held: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            return held
    return {}


def extra_models(names: Iterable[str]) -> list[tuple[str, str]]:
    """Models of the builder's own store to deliver with the program, as pairs of file and folder.

    Raises :class:`SystemExit` where one is not installed or not as it was installed: a build must not hide that.
    """
    from desktop.store.store import ModelStore

    store, pairs = ModelStore(), []
    installed = {entry.id: entry for entry in store.entries() if not entry.bundled}
    for name in names:
        entry = installed.get(name)
        if entry is None or entry.state != "ready":
            raise SystemExit(f"FOVEA_MODELS names {name!r}, which is not among your installed models")
        if changed := [check.name for check in store.verify(name) if check.verdict != "ok"]:
            raise SystemExit(f"model {name!r} is not as it was installed: {', '.join(changed)}")
        pairs += _pairs(entry.folder)
    return pairs


def everyday_model(flavour: str, work: Path) -> list[tuple[str, str]]:
    """The model for everyday photographs, made now of its package's weights, as pairs of file and folder.

    The viewer cannot train: it gets the network for answering alone, with weights of 16 bits. Ends the build where the
    package is not installed.
    """
    from desktop.core.types import FoveaError
    from desktop.ml.exchange.install import InstallRequest, install
    from desktop.store import catalogue
    from desktop.store.store import ModelStore

    root = work.resolve() / "models"
    network = catalogue.load().get(catalogue.EVERYDAY)
    viewer = flavour == "viewer"
    request = InstallRequest(network, precision="float16" if viewer else "float32", root=root, answers_only=viewer)
    try:
        install(request, ModelStore(user=root))
    except FoveaError as error:
        raise SystemExit(f"{error.message}. {error.hint}") from error
    return _pairs(root / network.id)


def _pairs(folder: Path) -> list[tuple[str, str]]:
    """Every file of a model's folder with the folder in the program that it goes to."""
    return [
        (str(file), (Path("model_store", folder.name) / file.parent.relative_to(folder)).as_posix())
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    ]


def finish(folder: Path, flavour: str, extra: int = 0) -> None:
    """Make the folder small and complete, print its size and its largest parts; ends the build above the ceiling.

    ``extra`` is the number of bytes of models that were asked for beyond those that come with Fovea.
    """
    if sys.platform.startswith("linux"):
        _strip_all(folder)
        _link_twins(folder)
    total = size(folder)
    print(f"\nFovea-{flavour}: {total / MB:,.1f} MB; the largest {LARGEST} parts:")
    for path, count in largest(folder):
        print(f"{count / MB:>9.1f} MB  {path}")
    ceiling = CEILINGS[flavour]
    if sys.platform.startswith("linux") and total - extra > ceiling * MB:
        raise SystemExit(f"Fovea-{flavour} is {(total - extra) / MB:,.0f} MB; at most {ceiling:,} MB are allowed")


def size(folder: Path) -> int:
    """The bytes of all files of ``folder``; a link counts as nothing."""
    return sum(path.stat().st_size for path in _files(folder))


def largest(folder: Path, count: int = LARGEST) -> list[tuple[str, int]]:
    """The ``count`` largest parts, each with its bytes: packages as a whole, single files outside them."""
    inside = folder / "_internal" if (folder / "_internal").is_dir() else folder
    parts: dict[str, int] = {}
    for path in _files(folder):
        name = path.relative_to(inside if path.is_relative_to(inside) else folder).parts[0]
        parts[name] = parts.get(name, 0) + path.stat().st_size
    return sorted(parts.items(), key=lambda part: (-part[1], part[0]))[:count]


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())


# Linux: libraries that nobody needs, symbols, twins


def only_needed(entries: list[Entry]) -> list[Entry]:
    """PyInstaller's ``entries`` without the system's libraries that were collected for parts which are left out.

    What no other file names as needed goes, until nothing more does. Only files of the top folder: those of packages
    may be loaded by name. Elsewhere than on Linux, or without readelf, nothing goes.
    """
    readelf = shutil.which("readelf")
    if readelf is None or not sys.platform.startswith("linux"):
        return entries
    needs: dict[str, set[str]] = {}
    for name, source, kind in entries:
        if kind in ("BINARY", "EXTENSION"):
            done = subprocess.run([readelf, "-dW", source], capture_output=True, text=True, check=False)
            needs[name] = set(re.findall(r"\(NEEDED\).*\[(.*)\]", done.stdout))
    kept = {"libpython", "libssl", "libcrypto"}  # loaded by name
    while True:
        needed = set().union(*needs.values())
        idle = [name for name in needs if "/" not in name and name.startswith("lib") and name not in needed]
        idle = [name for name in idle if name.partition(".")[0].rstrip("0123456789") not in kept]
        if not idle:
            return [entry for entry in entries if entry[2] not in ("BINARY", "EXTENSION") or entry[0] in needs]
        for name in idle:
            del needs[name]


def _strip_all(folder: Path) -> None:
    """Take the symbol tables that only a debugger reads off all libraries; a licence's text is not touched by it."""
    strip = shutil.which("strip")
    if strip is None:
        print("WARNING: 'strip' (Debian: binutils) is not installed; the libraries keep their symbols")
        return
    for path in _files(folder):
        if path.stat().st_size < 100_000 or ".so" not in path.name or path.read_bytes()[:4] != b"\x7fELF":
            continue
        held = path.with_name(path.name + ".stripped")
        done = subprocess.run([strip, "--strip-unneeded", "-o", held, path], capture_output=True, check=False)
        # A library whose layout another tool has changed may come out in a form that the loader refuses.
        if done.returncode == 0 and held.stat().st_size < path.stat().st_size and _is_loadable(held):
            shutil.copymode(path, held)
            os.replace(held, path)
        held.unlink(missing_ok=True)


def _is_loadable(path: Path) -> bool:
    """Whether each loadable segment of a 64-bit ELF file lies as its alignment asks (ELF specification, p_align)."""
    with path.open("rb") as stream:
        head = stream.read(64)
        if head[4] != 2 or head[5] != 1:  # 64 bit, little-endian
            return False
        (offset,) = struct.unpack_from("<Q", head, 32)
        length, count = struct.unpack_from("<HH", head, 54)
        stream.seek(offset)
        table = stream.read(length * count)
    total = path.stat().st_size
    for index in range(count):
        kind, _, start, address, _, filled, _, align = struct.unpack_from("<IIQQQQQQ", table, index * length)
        if kind == 1 and (start + filled > total or (align > 1 and (start - address) % align)):
            return False
    return True


def _link_twins(folder: Path) -> None:
    """Keep one of several equal libraries: wheels of the same makers bring the same runtime libraries."""
    seen: dict[tuple[str, int], Path] = {}
    for path in _files(folder):
        if ".so" not in path.name or path.stat().st_size < 100_000:
            continue
        first = seen.setdefault((path.name, path.stat().st_size), path)
        if first is not path and first.read_bytes() == path.read_bytes():
            path.unlink()
            path.symlink_to(os.path.relpath(first, path.parent))
