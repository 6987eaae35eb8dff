"""Fit domain gate, answer sets and map reading anew for models whose network stays, and count their figures anew.

    python -m tools.add_confidence [--root model_store] [--data DIR] [--plan FILE] [--gate-only] [ID …]

Training does this at its end; this is for models trained before Fovea could, and after a change of the gate
(``--gate-only``: answer sets, map reading and figures stay as they are). The
model's plan in its manifest says which data it was trained on: a public set (``FOVEA_DATA``), nothing else. The test
split is only counted, for the figures of the card and the coverage of the answer sets; nothing is chosen on it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from desktop import paths
from desktop.core.trust import domain, first_layer, saliency, second
from desktop.ml.convert.litert import LiteRT
from desktop.ml.data import assemble, drawn_digits
from desktop.ml.data.second_look import SecondLook
from desktop.ml.nets import backend
from desktop.ml.packaging import confidence, evaluate, head_detection, package
from desktop.ml.plans import plan
from desktop.store.manifest import FileEntry, Manifest
from desktop.store.store import MANIFEST, ModelEntry, ModelStore, read_verified

EVALUATION = "evaluation.json"


def upgraded(
    entry: ModelEntry, root: Path, data: Path | None, recipe: Path | None = None, gate_only: bool = False
) -> Manifest:
    """Write the model of ``entry`` anew under ``root`` with its gate and answer sets; returns its manifest."""
    manifest = entry.manifest
    assert manifest is not None
    chosen = plan.load(recipe) if recipe else plan.from_json(json.dumps(manifest.provenance.plan))
    if (chosen.preprocess, chosen.labels) != (manifest.preprocess, manifest.labels):
        raise SystemExit(f"{manifest.id}: the plan is another model's")
    with tempfile.TemporaryDirectory(prefix="fovea-confidence-") as run:
        gathered = assemble.gather(chosen, Path(run), data)
    lite, look = LiteRT(read_verified(entry, "model.tflite")), SecondLook.of()
    fitted = confidence.fit(
        lite,
        manifest.outputs,
        manifest.preprocess,
        gathered.train,
        gathered.validation,
        chosen.seed,
        side=gathered.side,
        second_look=look.features if look is not None else None,
        digits=chosen.labels == drawn_digits.LABELS,
    )
    if fitted.trouble:
        print(f"{manifest.id}: no domain gate: {fitted.trouble}", flush=True)
    gates = {
        domain.FILE: fitted.gate.to_json() if fitted.gate is not None else None,
        second.FILE: fitted.second.to_json() if fitted.second is not None else None,
    }
    if gate_only:
        return _written(entry, root, replace(manifest, domain=fitted.domain), gates)
    backend.select()
    import keras

    sample = gathered.validation.images[:400]
    network = keras.saving.load_model(read_verified(entry, "model.keras"), compile=False)
    end = head_detection.find(network, sample, lite.run(sample), manifest.outputs)
    print(f"{manifest.id}: maps are read by {end.pooling + ' pooling' if end else 'gradients only'}", flush=True)
    sets, test, metrics = fitted.conformal, gathered.open_test(), manifest.metrics
    held = json.loads(read_verified(entry, EVALUATION).read_text(encoding="utf-8"))
    if test is not None:
        (scores,) = lite.run(test.images, only=(manifest.outputs["probabilities"],))
        sets = confidence.checked(sets, manifest.decision, scores, test.labels, "test")
        digest, version = manifest.files["model.tflite"].sha256, manifest.version
        found, document = evaluate.measure(
            chosen, gathered, manifest.decision, test, lambda _: scores, "test", "LiteRT", digest, version
        )
        metrics = package.metrics_of(found, gathered.title, "test")
        held |= document
    first = head_detection.filters(network)
    texts = gates | {
        saliency.FILE: end.to_json() if end is not None else None,
        first_layer.FILE: first_layer.to_json(first) if first is not None else None,
        EVALUATION: json.dumps(held, indent=1) + "\n",
    }
    return _written(entry, root, replace(manifest, domain=fitted.domain, conformal=sets, metrics=metrics), texts)


def _written(entry: ModelEntry, root: Path, manifest: Manifest, texts: dict[str, str | None]) -> Manifest:
    """Put the model of ``entry`` under ``root`` with another description and those files (``None``: without)."""
    files = dict(manifest.files)
    for name, made in texts.items():
        files.pop(name, None)
        if made is not None:
            files[name] = FileEntry("0" * 64, 0)
    done = replace(manifest, files=files)
    with ModelStore(user=root).stage(done, root) as folder:
        for path in sorted(entry.folder.rglob("*")):
            target = folder / path.relative_to(entry.folder)
            if path.is_file() and path.name not in (MANIFEST, *texts):
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
        for name, made in texts.items():
            if made is not None:
                (folder / name).write_text(made, encoding="utf-8", newline="\n")
    return done


def main() -> int:
    """Do as the module's text says; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--root", type=Path, default=paths.bundled_models(), help="the models' folder")
    parser.add_argument("--data", type=Path, help="where the public sets lie (default: FOVEA_DATA)")
    parser.add_argument("--plan", type=Path, help="the training plan (default: the one in the manifest); one ID then")
    parser.add_argument("--gate-only", action="store_true", help="fit the gate anew and leave all else as it is")
    parser.add_argument("ids", nargs="*", metavar="ID", help="which models (default: all that can answer)")
    options = parser.parse_args()
    store = ModelStore(options.root, options.root / ".none")
    for entry in store.entries():
        if entry.state != "ready" or options.ids and entry.id not in options.ids:
            continue
        done = upgraded(entry, options.root, options.data, options.plan, options.gate_only)
        gate, sets = done.domain, done.conformal
        if gate is not None:
            size = (options.root / done.id / gate.file).stat().st_size
            print(f"{done.id}: gate of {size / 1024:.0f} KB, flags {gate.refused:.1%} of {gate.n} own unseen pictures")
        if sets is not None:
            for facts in zip(sets.rates, sets.cutoffs, sets.covered, sets.sizes, strict=False):
                print("{}: rate {:.0%}: cutoff {:.5g}, on test covered {:.4f}, size {:.3f}".format(done.id, *facts))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
