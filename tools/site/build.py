"""Builds the documentation's site: ``python tools/site/build.py [--out DIR]`` (``make site``; the extra ``docs``).

Warnings are errors: a link that leads nowhere, a page that no list names. Afterwards every file is looked through, and
a page that would load anything from another host is refused: reading offline shows all there is and tells nobody.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_HERE = Path(__file__).resolve().parent
# What a browser fetches by itself. A link that a reader may click is none of it.
_HTML = re.compile(
    r"<(?:script|img|iframe|source|video|audio|embed|object|input|use|image|form)\b[^>]*?"
    r"\b(?:src|srcset|data|poster|href|xlink:href|action)\s*=\s*[\"']?\s*((?:[a-z]+:)?//[^\"'\s>]+)"
    r"|<link\b(?![^>]*\brel=[\"']?(?:canonical|license|author))[^>]*?\bhref\s*=\s*[\"']?\s*((?:[a-z]+:)?//[^\"'\s>]+)",
    re.IGNORECASE,
)
_CSS = re.compile(r"url\(\s*[\"']?\s*((?:[a-z]+:)?//[^\"')\s]+)|@import\s+[\"']((?:[a-z]+:)?//[^\"']+)", re.IGNORECASE)
_JS = re.compile(r"[\"'`]((?:https?:|wss?:)//[^\"'`\s]+)", re.IGNORECASE)
_NAMESPACES = ("http://www.w3.org/",)


def foreign(folder: Path) -> Iterator[str]:
    """What in the pages below ``folder`` would be loaded from elsewhere: 'file: address' for each."""
    kinds = {".html": (_HTML, _CSS), ".css": (_CSS,), ".svg": (_HTML, _CSS), ".js": (_JS,)}
    for path in sorted(folder.rglob("*")):
        for kind in kinds.get(path.suffix, ()):
            for match in kind.finditer(path.read_text(encoding="utf-8", errors="replace")):
                address = next(filter(None, match.groups()))
                if not address.startswith(_NAMESPACES):
                    yield f"{path.relative_to(folder).as_posix()}: {address}"


def build(out: Path) -> int:
    """Build the site into ``out``; 0 where nothing was found fault with."""
    from sphinx.cmd.build import build_main

    status = build_main(["-q", "-W", "--keep-going", "-E", "-b", "html", "-c", str(_HERE), "-d", str(out / ".cache"),
                         str(ROOT / "docs"), str(out / "html")])  # fmt: skip
    if status:
        return int(status)
    found = list(foreign(out / "html"))
    for line in found:
        print(f"loads from elsewhere: {line}", file=sys.stderr)
    if not found:
        print(out / "html" / "index.html")
    return 1 if found else 0


def main() -> int:
    """Build; exit status 0 built, 1 not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "site", metavar="DIR", help="default: build/site")
    return build(parser.parse_args().out.absolute())


if __name__ == "__main__":
    sys.exit(main())
