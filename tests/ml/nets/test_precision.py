"""Computing in 16 bits: where 'auto' does it, and that a finished network computes in 32 bits again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from desktop.ml.data.public_sets import Pictures
from desktop.ml.plans import plan as plans
from desktop.ml.plans.events import Event, Note

keras = pytest.importorskip("keras")

from desktop.ml.nets import backend, normalise, optimizers  # noqa: E402
from desktop.ml.training import train  # noqa: E402

RECIPES = Path(__file__).resolve().parents[3] / "resources" / "recipes"


@pytest.fixture
def cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "accelerated", lambda: False)


@pytest.mark.usefixtures("cpu")
def test_a_cpu_gains_where_it_has_instructions_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for flags, gains in (
        ({"avx512f", "avx512_bf16"}, True),
        ({"amx_bf16"}, True),
        ({"avx512f"}, False),
        (set(), False),
    ):
        monkeypatch.setattr(backend, "_cpu_flags", lambda flags=flags: flags)
        assert backend.gains_from_16_bits() is gains


def test_what_the_cpu_can_do_is_read_from_linux() -> None:
    assert not backend._cpu_flags() or "fpu" in backend._cpu_flags() or "fp" in backend._cpu_flags()


def test_half_precision_scales_the_loss_and_a_checkpoint_keeps_the_scale(tmp_path: Path) -> None:
    """Gradients of float16 are whole numbers of 6e-8: smaller ones would teach nothing."""
    variable = keras.Variable(np.zeros(1, np.float32))
    for plan in ("sgd", "adam"):
        made = optimizers.build(plans.OptimizerPlan(plan, 0.1, momentum=0.0), 10, scaled=True)  # type: ignore[arg-type]
        made.build([variable])
        assert float(made.scale_loss(np.float32(1))) == 2.0**15
        made.apply([np.array([np.inf], np.float32)])
        assert float(variable[0]) == 0.0 and float(made.scale_loss(np.float32(1))) == 2.0**14
        made.apply([np.array([2.0**14], np.float32)])
        assert float(variable[0]) == pytest.approx(-0.1, rel=1e-3) and int(made.iterations) == 1
        state = optimizers.state(made, 1)
        again = optimizers.build(plans.OptimizerPlan(plan, 0.1, momentum=0.0), 10, scaled=True)  # type: ignore[arg-type]
        again.build([variable])
        assert optimizers.restore(again, state, 1)
        assert float(again.scale_loss(np.float32(1))) == 2.0**14 and int(again.step_counter) == 1
        # What was written before the loss was scaled is taken up, and finds its scale anew.
        assert optimizers.restore(again, state[:-2], 1) and not optimizers.restore(again, state[:-1], 1)
        variable.assign([0.0])


@pytest.mark.usefixtures("cpu")
@pytest.mark.parametrize("gains", [True, False])
def test_auto_says_what_it_does_and_ends_in_32_bits(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, gains: bool
) -> None:
    monkeypatch.setattr(backend, "_cpu_flags", lambda: {"avx512_bf16"} if gains else set())
    recipe = plans.load(RECIPES / "mnist-digits.json")
    settings = {**recipe.architecture.settings, "widths": [8], "residual": True}
    plan = replace(
        recipe,
        architecture=replace(recipe.architecture, settings=settings),
        fit=replace(recipe.fit, epochs=1, batch=10, mixed="auto"),
        augment=(),
    )
    random = np.random.default_rng(1)
    labels = np.arange(40, dtype=np.int64) % 10
    pictures = Pictures(random.integers(0, 256, (40, 28, 28, 1)).astype(np.uint8), labels, tuple(map(str, range(40))))
    told: list[Event] = []
    trained = train.run(plan, pictures, pictures.take(np.arange(10)), tmp_path / "run", told.append)
    notes = [event.text for event in told if isinstance(event, Note)]
    assert any(("bfloat16" if gains else "32 bits") in note for note in notes)
    assert {layer.compute_dtype for layer in trained.model.layers if layer.weights} == {"float32"}
    assert all(normalise.is_plain(layer) for layer in trained.model.layers)
    assert keras.config.dtype_policy().name == "float32"
