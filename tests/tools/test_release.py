"""A release: on a repository of its own, with git itself."""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOG = (
    "# Changes\n\n## Unreleased\n\n- A new thing.\n\n### Later\n\n- Another.\n\n## 0.1.0 (2026-01-02)\n\n- The first.\n"
)


def tool() -> Any:
    spec = importlib.util.spec_from_file_location("release", ROOT / "tools" / "release.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in (("AUTHOR", "A"), ("COMMITTER", "C")):
        monkeypatch.setenv(f"GIT_{name}_NAME", value)
        monkeypatch.setenv(f"GIT_{name}_EMAIL", f"{value}@example.org")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "none"))
    there = tmp_path / "project"
    (there / "desktop").mkdir(parents=True)
    (there / "desktop" / "__init__.py").write_text('"""Fovea."""\n\n__version__ = "0.1.0"\n')
    (there / "CHANGELOG.md").write_text(LOG)
    git(there, "init", "-q", "-b", "main")
    git(there, "add", ".")
    git(there, "commit", "-qm", "First")
    git(there, "tag", "-a", "v0.1.0", "-m", "0.1.0")
    return there


def run(root: Path, *arguments: str) -> int:
    return int(tool().main([*arguments, "--root", str(root)]))


def test_a_release_is_a_commit_with_a_tag_that_tells_the_changes(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(root, "0.2.0", "--check") == 0 and "A new thing" in capsys.readouterr().out
    assert git(root, "status", "--porcelain") == "" and git(root, "tag", "--list").split() == ["v0.1.0"]
    assert run(root, "0.2.0") == 0
    assert '__version__ = "0.2.0"' in (root / "desktop" / "__init__.py").read_text()
    text = (root / "CHANGELOG.md").read_text()
    assert (
        text.index("## Unreleased") < text.index("## 0.2.0 (") < text.index("- A new thing.") < text.index("## 0.1.0")
    )
    assert git(root, "log", "-1", "--format=%s").strip() == "Release 0.2.0" and not git(root, "status", "--porcelain")
    assert git(root, "rev-parse", "v0.2.0^{commit}") == git(root, "rev-parse", "HEAD")
    message = git(root, "tag", "-l", "v0.2.0", "--format=%(contents)")
    assert message.startswith("Fovea 0.2.0") and "- Another." in message and "### Later" in message
    assert "The first" not in message
    # Nothing is left to release.
    assert run(root, "0.3.0") == 1 and "say what users will notice" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("version", "word"),
    [
        ("0.1.0", "does not come after 0.1.0"),
        ("0.0.9", "does not come after 0.1.0"),
        ("0.1.0rc1", "does not come after 0.1.0"),
        ("2", "is no version"),
        ("v0.2.0", "is no version"),
        ("0.2.0-beta", "is no version"),
    ],
)
def test_versions_that_do_not_follow_are_refused(
    root: Path, version: str, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(root, version) == 1 and word in capsys.readouterr().err
    assert not git(root, "status", "--porcelain") and git(root, "tag", "--list").split() == ["v0.1.0"]


def test_candidates_come_before_their_release(root: Path) -> None:
    order = tool().order
    assert order("0.1.0") < order("0.2.0rc1") < order("0.2.0rc2") < order("0.2.0") < order("0.10.0") < order("1.0.0rc1")


def test_a_version_that_was_set_but_never_released_can_be(root: Path) -> None:
    git(root, "tag", "-d", "v0.1.0")
    assert run(root, "0.1.0", "--check") == 0
    assert run(root, "0.0.9", "--check") == 1


def test_other_branches_and_open_changes_are_no_place_for_it(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "new.txt").write_text("open")
    assert run(root, "0.2.0") == 1 and "not committed" in capsys.readouterr().err
    (root / "new.txt").unlink()
    git(root, "switch", "-qc", "topic")
    assert run(root, "0.2.0") == 1 and "'topic'" in capsys.readouterr().err


def test_a_tag_that_is_there_is_not_moved(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(root, "tag", "-a", "v0.2.0", "-m", "early")
    assert run(root, "0.2.0") == 1 and "a tag v0.2.0 already" in capsys.readouterr().err


def test_the_projects_own_changes_can_be_released(root: Path) -> None:
    (root / "CHANGELOG.md").write_text((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), encoding="utf-8")
    (root / "desktop" / "__init__.py").write_text((ROOT / "desktop" / "__init__.py").read_text(encoding="utf-8"))
    git(root, "commit", "-aqm", "Ours")
    assert run(root, "99.0.0") == 0
