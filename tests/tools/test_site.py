"""The documentation's site: built without a network and without a warning; it loads nothing from elsewhere."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.patience import patient

ROOT = Path(__file__).resolve().parents[2]
# Any connection ends the build: what is in the way is found here, not by a reader without a network.
_NO_NETWORK = """
import socket, runpy, sys
def refuse(*_):
    raise OSError("no network here")
socket.socket.connect = socket.socket.connect_ex = refuse
socket.getaddrinfo = socket.create_connection = refuse
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("site_build", ROOT / "tools" / "site" / "build.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for package in ("furo", "myst_parser", "sphinx"):
        pytest.importorskip(package, reason="the extra 'docs' is not installed")
    out = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-c", _NO_NETWORK, str(ROOT / "tools" / "site" / "build.py"), "--out", str(out)],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False, timeout=patient(300),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return out / "html"


def test_every_page_is_there_and_named(site: Path) -> None:
    every = {path.relative_to(ROOT / "docs").with_suffix("").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    # The site is English; the program itself has the help in other languages.
    pages = {
        page
        for page in every
        if not page.startswith("readme/") and not (page.startswith("help/") and page.count("/") > 1)
    }
    built = {path.relative_to(site).with_suffix("").as_posix() for path in site.rglob("*.html")}
    assert pages <= built and len(pages) > 40
    first = (site / "index.html").read_text(encoding="utf-8")
    for page in pages - {"index"}:
        if not page.startswith("decisions/0"):
            assert f'href="{page}.html' in first, page


def test_nothing_is_loaded_from_elsewhere(site: Path, tool: ModuleType) -> None:
    assert list(tool.foreign(site)) == []
    # The pictures of the tutorials come along.
    shown = re.findall(r'<img[^>]*src="([^"]+)"', (site / "help" / "first-photo.html").read_text(encoding="utf-8"))
    assert shown and all((site / "help" / name).resolve().is_file() for name in shown)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.html", '<script async src="https://cdn.example.org/x.js"></script>'),
        ("a.html", "<link rel='stylesheet' href='//fonts.example.org/css'>"),
        ("a.html", '<img alt="x" src=http://example.org/pixel.gif>'),
        ("a.html", '<iframe title="y"\n src="https://example.org/"></iframe>'),
        ("a.html", '<style>@import "https://example.org/a.css";</style>'),
        ("a.css", 'src: url("https://fonts.example.org/f.woff2")'),
        ("a.css", "background: url(//example.org/b.png)"),
        ("a.js", 'fetch("https://example.org/search.json")'),
        ("a.svg", '<image xlink:href="https://example.org/p.png"/>'),
    ],
)
def test_what_would_be_loaded_is_found(tool: ModuleType, tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    (found,) = tool.foreign(tmp_path)
    assert found.startswith(f"{name}: ") and "example.org" in found


def test_a_link_that_a_reader_may_click_is_none(tool: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        '<a href="https://example.org/paper.pdf">the paper</a> <svg xmlns="http://www.w3.org/2000/svg"></svg>'
        '<link rel="canonical" href="https://example.org/"><img src="p.png"><script src="_static/x.js"></script>',
        encoding="utf-8",
    )
    assert list(tool.foreign(tmp_path)) == []
