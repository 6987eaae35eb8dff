"""``fovea models`` and the overview as child processes."""

from __future__ import annotations

import json

import pytest

from desktop.core.notices import NOTICES
from desktop.store.store import ModelStore
from tests.cli.tools import fovea
from tests.store.makers import add_colours

pytestmark = pytest.mark.usefixtures("store")


def _spoil(store: ModelStore, model: str) -> None:
    """Change one byte of a model's network; its size stays."""
    weights = store.user_root / model / "model.tflite"
    data = bytearray(weights.read_bytes())
    data[len(data) // 2] ^= 1
    weights.write_bytes(data)


def test_the_list_names_every_model_and_its_state(store: ModelStore) -> None:
    (store.user_root / "broken").mkdir()
    run = fovea("models", "list", "--json")
    assert run.returncode == 1  # one of them is damaged
    found = {item["id"]: item for item in json.loads(run.stdout)}
    assert found["colours"]["state"] == "ready" and not found["colours"]["bundled"]
    assert found["colours"]["input"] == {"width": 8, "height": 8, "colour": "rgb"}
    assert found["broken"]["state"] == "damaged" and found["broken"]["problem"]
    assert found["vgg16-imagenet"]["state"] == "weights-not-installed" and found["vgg16-imagenet"]["labels"] == 1000
    text = fovea("models", "list")
    assert text.returncode == 1 and "weights not installed" in text.stdout and "broken" in text.stderr


def test_the_card_is_shown_with_its_notice(store: ModelStore) -> None:
    add_colours(store, id="tones", medical=True, name="Tones")
    run = fovea("models", "show", "tones")
    assert run.returncode == 0 and NOTICES["medical"].text in run.stdout and "Knows three colours." in run.stdout
    described = json.loads(fovea("models", "show", "tones", "--json").stdout)
    assert described["manifest"]["labels"] == ["red", "green", "blue"] and described["medical"] is True
    unknown = fovea("models", "show", "nothing")
    assert unknown.returncode == 2 and "colours" in unknown.stderr
    card = store.user_root / "tones" / "model.json"
    card.write_text(card.read_text("utf-8").replace('"Tones"', '"To\\u001b[2Jnes"'), encoding="utf-8")
    changed = fovea("models", "show", "tones")  # someone's, or an earlier Fovea's: named as damaged, never obeyed
    assert changed.returncode == 1 and "no text" in changed.stdout + changed.stderr
    assert "\x1b" not in changed.stdout + changed.stderr


def test_verifying_finds_one_changed_byte(store: ModelStore) -> None:
    add_colours(store, id="other")
    assert fovea("models", "verify", "colours").returncode == 0
    _spoil(store, "colours")
    run = fovea("models", "verify", "--json")
    assert run.returncode == 1
    found = {item["id"]: item for item in json.loads(run.stdout)}
    assert not found["colours"]["holds"] and found["other"]["holds"] and found["vgg16-imagenet"]["holds"]
    assert found["colours"]["files"] == [{"name": "model.tflite", "verdict": "changed"}]
    text = fovea("models", "verify", "colours")
    assert text.returncode == 1 and "model.tflite: changed" in text.stdout


@pytest.mark.parametrize("arguments", [[], ["remove"], ["show"], ["list", "--what"]])
def test_wrong_usage(arguments: list[str]) -> None:
    run = fovea("models", *arguments)
    assert run.returncode == 2 and run.stdout == "" and "--help" in run.stderr


def test_the_overview_and_every_command_explain_themselves() -> None:
    from desktop.cli import available, main

    assert {"predict", "models", "selftest", "screenshot", "demo"} <= set(available())
    for name in available():
        assert main([name, "--help"]) == 0
    assert main(["--help"]) == 0 and main([]) == 2 and main(["nothing"]) == 2 and main(["--version"]) == 0
