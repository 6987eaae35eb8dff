"""Children that open pictures are ready before the first one comes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[3]

_CODE = """
import importlib, sys
from desktop.core.pictures import decode_in_child as children
from desktop.core.types import ImageSource, PreprocessSpec
for name in children.WARM:
    importlib.import_module(name.partition(":")[0])
before = set(sys.modules)
for name in sys.argv[1:]:
    children._bring_in((ImageSource.from_path(name), PreprocessSpec(32, 32, "rgb", "stretch")))
print(sorted(set(sys.modules) - before))
"""


def test_the_first_picture_imports_nothing_more(tmp_path: Path) -> None:
    names = []
    for kind in ("jpg", "png", "gif", "bmp"):
        names.append(str(tmp_path / f"picture.{kind}"))
        Image.new("RGB", (40, 30), (200, 30, 90)).save(names[-1])
    done = subprocess.run([sys.executable, "-c", _CODE, *names], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
