"""README says about systems what the files in docs/evidence say, and not more."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from installers import evidence

ROOT = Path(__file__).resolve().parents[2]


def test_readme_claims_what_the_files_hold() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    expected = evidence.table(evidence.read())
    assert evidence.section(readme) == expected, "run: python -m installers.evidence table"


def test_no_signature_is_claimed() -> None:
    """Until a package is signed, no file of the project may say that one is."""
    for held in evidence.read():
        if held.get("artefact"):
            assert "-unsigned" in held["artefact"]["name"]


def frozen(**changes: Any) -> dict[str, Any]:
    names = ("bare", "closed-streams", "other-letters", "read-only-home", "no-network", "bare-system")
    trials = [{"name": name, "state": "ok", "detail": "", "seconds": 1} for name in names]
    return {
        "schema": 1, "kind": "frozen", "version": "0.1.0", "commit": "a" * 40, "changed": False, "date": "2026-11-24",
        "family": "linux", "system": "Debian 12", "machine": "x86_64", "edition": "viewer", "size_mb": 330.2,
        "program": "b" * 64, "artefact": None, "trials": trials, "checks": [], "holds": True, **changes,
    }  # fmt: skip


def test_systems_without_a_file_were_never_run_on() -> None:
    lines = evidence.table([frozen()]).splitlines()
    assert [line for line in lines if evidence.NEVER in line] == [
        f"| Windows | – | {evidence.NEVER} | – |",
        f"| macOS | – | {evidence.NEVER} | – |",
    ]


def test_failures_and_what_was_not_tried_are_told() -> None:
    record = frozen(holds=False)
    record["trials"][0]["state"] = "failed"
    record["trials"][5]["state"] = "not-tried"
    (line,) = [line for line in evidence.table([record]).splitlines() if "Debian" in line]
    assert "**failed**: bare environment" in line and "not tried: in a bare system" in line
    tried = line.split("|")[2]
    assert "bare environment" not in tried and "in a bare system" not in tried
    failed = {"kind": "command", "python": "3.11.7", "command": "make test", "status": 2, "holds": False}
    assert "**failed** (2)" in evidence.table([{**frozen(), **failed}])


def test_readme_that_claims_more_is_found() -> None:
    readme = f"x\n{evidence.BEGIN}\nold\n{evidence.END}\ny\n"
    renewed = evidence.renewed(readme, [frozen()])
    assert renewed.startswith("x\n") and renewed.endswith("\ny\n")
    assert evidence.section(renewed) == evidence.table([frozen()])
    more = renewed.replace(f"| Windows | – | {evidence.NEVER}", "| Windows 11 | all | passed")
    assert evidence.section(more) != evidence.table([frozen()])
    with pytest.raises(ValueError, match="marks"):
        evidence.section("no table")


def test_a_file_that_is_no_evidence_is_named(tmp_path: Path) -> None:
    (tmp_path / "claim.json").write_text('{"schema": 1, "kind": "claim"}')
    with pytest.raises(ValueError, match=r"claim\.json"):
        evidence.read(tmp_path)


def test_a_command_is_recorded_as_it_ended(tmp_path: Path) -> None:
    assert evidence.record("fails", [sys.executable, "-c", "raise SystemExit(3)"], tmp_path) == 3
    held = json.loads((tmp_path / "fails.json").read_text())
    assert held["status"] == 3 and not held["holds"] and len(held["commit"]) == 40
    assert evidence.read(tmp_path) == [held]


def test_hashes(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one")
    before = evidence.folder_hash(tmp_path)
    assert before == evidence.folder_hash(tmp_path)
    (tmp_path / "a").write_text("two")
    assert evidence.folder_hash(tmp_path) != before
    facts = evidence.artefact(tmp_path / "a")
    assert facts is not None and facts["bytes"] == 3 and len(facts["sha256"]) == 64


@pytest.mark.parametrize("path", sorted((ROOT / ".github" / "workflows").glob("*.yml")), ids=lambda path: path.name)
def test_workflows_are_valid(path: Path) -> None:
    """Against the published schema, which comes with check-jsonschema: nothing is downloaded."""
    pytest.importorskip("check_jsonschema")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_workflows_call_what_there_is() -> None:
    """Every module of Fovea's that a workflow runs exists, and every script."""
    import re

    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        text = path.read_text(encoding="utf-8")
        for module in re.findall(r"-m (installers[.\w]*|desktop[.\w]*|benchmarks[.\w]*)", text):
            place = ROOT / module.replace(".", "/")
            assert place.with_suffix(".py").is_file() or (place / "__main__.py").is_file(), f"{path.name}: {module}"
        for script in re.findall(r"(?<![\w/])(tools/[\w./]+|\.ci/\w+)", text):
            assert (ROOT / script).exists(), f"{path.name}: {script}"
