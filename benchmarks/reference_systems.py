"""``python -m benchmarks.reference_systems``: train the published systems and fill ``docs/results.md``.

Every row is one command of Fovea's own, run as a user would run it. Figures are kept in ``docs/results.json`` and the
table is made from there, so rows may be run one by one, on different days; what was never run says so.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT, machine

TABLE = ROOT / "docs" / "results.md"
FIGURES = ROOT / "docs" / "results.json"
_BEGIN, _END = "<!-- the table begins -->", "<!-- the table ends -->"


@dataclass(frozen=True, slots=True)
class Row:
    """One line: the command is ``fovea`` with ``arguments``; ``reported`` is what its author printed. ``speed``: images
    a second, memory and the loss at both ends are told, too; so they are of trainings that only show that a net learns.
    """

    id: str
    data: str
    what: str
    reported: str
    arguments: tuple[str, ...]
    note: str = ""
    speed: bool = False


def _train(preset: str, name: str, *more: str) -> tuple[str, ...]:
    return ("train", "--preset", preset, "--name", name, *more)


_JPEG = "CIFAR-10 (JPEG)"
_MNIST = "MNIST"
_PETS = "cats and dogs, 224×224"

ROWS = (
    Row("mnist-mlp-32", _MNIST, "dense 32, 32; 40 epochs", "93.57 % test", _train("mnist-mlp-32", "mnist-mlp-32")),
    Row(
        "mnist-mlp-128", _MNIST, "dense 128, 60; 30 % validation; 10 epochs", "97.87 % test (100 epochs)",
        _train("mnist-mlp-128", "mnist-mlp-128"),
    ),
    Row(
        "mnist-cnn", _MNIST, "two convolutions; batch 1024; 10 epochs", "98.62 %",
        _train("mnist-cnn", "mnist-cnn"), "the author's figure lies within the interval",
    ),
    Row("mnist-lenet", _MNIST, "LeNet; 20 epochs", "99.06 to 99.20 %", _train("mnist-lenet", "mnist-lenet")),
    Row(
        "mnist-lenet5", _MNIST, "LeNet-5 of 1998; 12 epochs", "architecture only",
        _train("mnist-lenet5", "mnist-lenet5"),
    ),
    Row(
        "mnist-small-data", _MNIST, "LeNet against a dense net on 5,900 to 300 pictures; 4 epochs",
        "96.68 against 85.56 % at 5,900; 72.44 against 48.26 % at 300",
        ("study", "small-data", "--preset", "mnist-small-data", "--against", "mnist-mlp-32", "--images",
         "300,600,1800,3000,5900", "--repeats", "1", "--epochs", "4", "--test", "--name", "mnist-small-data"),
    ),
    Row(
        "mnist-grid", _MNIST, "dense {16, 32}, dropout {.1, .2}, {Adam, plain SGD} at rate .001; 5 epochs each",
        "best 96.16 %: 32 units, .1, Adam",
        ("search", "--preset", "mnist-grid", "--grid", "--name", "mnist-grid", "--test",
         "--vary", "architecture.layers=flatten,D16,drop.1|flatten,D16,drop.2|flatten,D32,drop.1|flatten,D32,drop.2",
         "--vary", "optimizer.name=adam|sgd"),
    ),
    Row(
        "captcha-letters", "letters drawn by Fovea", "dense 100; 1,000 epochs on 896 pictures",
        "every test letter right", _train("captcha-letters", "captcha-letters"),
        "5 of 520 wrong; a net as good as this one reads 100 letters without a mistake in 38 of 100 tries, and how "
        "many the author tested on is not printed",
    ),
    Row(
        "cifar-simple", _JPEG, "one convolution, dense 512; 20 epochs", "66.4 % test",
        _train("cifar-simple", "cifar-simple"),
    ),
    Row("cifar-deep", _JPEG, "four convolutions, dense 512; 40 epochs", "76.9 %", _train("cifar-deep", "cifar-deep")),
    Row(
        "cifar-augmented", _JPEG, "the same, augmented; 50 epochs", "78.3 %",
        _train("cifar-augmented", "cifar-augmented"),
    ),
    Row(
        "cifar-regularised", _JPEG, "BN and dropout; batch 512; 10 epochs", "printed as pictures only",
        _train("cifar-regularised", "cifar-regularised"),
    ),
    Row(
        "cifar-regularised (plain)", _JPEG, "the same without BN and dropout", "printed as pictures only",
        _train("cifar-regularised", "cifar-plain", "--set",
               "architecture.layers=C32k3s,C32k3v,P2,flatten,D512"),
    ),
    Row(
        "cifar-regularised (augmented)", _JPEG, "with rotation 45°, shift .2, flip", "printed as pictures only",
        _train("cifar-regularised", "cifar-regularised-augmented", "--set", "augment.affine.rotate=45",
               "augment.affine.shift=0.2", "augment.affine.border=nearest", "augment.flip.p=0.5"),
    ),
    Row(
        "cifar-three-conv", _JPEG, "three valid convolutions, squared error; batch 1000; 25 epochs",
        ".8497 (the author's split)", _train("cifar-three-conv", "cifar-three-conv"),
    ),
    Row(
        "cifar-grey-demo (colour)", _JPEG, "one convolution, dense 1024; 3 epochs", "63.87 % colour",
        _train("cifar-grey-demo", "cifar-demo-colour"),
        "learns from 40,000 of the 50,000, the rest validates: three epochs are a fifth fewer steps; JPEG copies; "
        "other seeds were not tried",
    ),
    Row(
        "cifar-grey-demo (grey)", _JPEG, "the same in grey, without dropout; 3 epochs", "–",
        _train("cifar-grey-demo", "cifar-demo-grey", "--colour", "grey"),
    ),
    Row(
        "cats-dogs", "cats and dogs, 50×50 grey", "three convolutions, without augmentation; 25 epochs", "70.4 %",
        _train("cats-dogs", "cats-dogs-plain", "--set", "augment=none"), "our own net: its author's is not published",
    ),
    Row(
        "cats-dogs (augmented)", "cats and dogs, 50×50 grey", "the same with augmentation; 25 epochs", "72 %",
        _train("cats-dogs", "cats-dogs-augmented"), "our own net: its author's is not published",
    ),
    Row(
        "xray-cnn", "chest X-rays, 224×224 instead of 1024×1024", "strided convolutions; 10 epochs",
        "curves only; Kermany et al.: 92.8 % accuracy, AUC .968",
        _train("xray-cnn", "xray-cnn", "--size", "224", "--set", "fit.batch=32"),
        "the copy at hand is 224×224; all pictures each epoch, batch 32",
    ),
    Row(
        "alexnet", "any folder, 224×224", "the net of 2012, about 60 M weights", "architecture only",
        ("train", "--preset", "alexnet", "--data", "DATA", "--name", "NAME"), "for a GPU; a short training below",
    ),
    Row(
        "alexnet (short)", _PETS, "the same net, batch 8, rate .0025, on 1,000 pictures; 3 epochs, 375 steps", "–",
        ("train", "--preset", "alexnet", "--data", "cats-dogs", "--name", "alexnet-short", "--epochs", "3",
         "--batch-size", "8", "--set", "data.limit=1000", "optimizer.rate=0.0025"),
        "shows that it learns, no more", speed=True,
    ),
    Row(
        "vgg16", "ImageNet", "the 16-layer net, 138,357,544 weights", "7.4 to 7.5 % top-5 error",
        ("train", "--preset", "vgg16", "--data", "DATA", "--name", "NAME"),
        "for a GPU; with published weights: 'fovea models install vgg16-imagenet'; a short training below",
    ),
    Row(
        "vgg16 (short)", _PETS, "the same net, Adam at .0001, batch 2, on 50 pictures; 10 epochs, 250 steps", "–",
        ("train", "--preset", "vgg16", "--data", "cats-dogs", "--name", "vgg16-short", "--epochs", "10",
         "--batch-size", "2", "--set", "data.limit=50", "data.use_test=false", "augment=none", "optimizer.name=adam",
         "optimizer.rate=0.0001"),
        "shows that it learns the pictures that it sees, no more", speed=True,
    ),
    Row(
        "vgg16-features", "any folder", "features of block4_pool, a new head", "method only",
        ("train", "--preset", "vgg16-features", "--data", "DATA", "--name", "NAME"),
        "weights not installed; the same method below",
    ),
    Row(
        "vgg16-features (EfficientNet-Lite0)", _PETS,
        "features of block10_add, where pictures are 14×14 as at block4_pool, the same head; 30 epochs", "method only",
        ("train", "--data", "cats-dogs", "--from", "efficientnet-lite0", "--how", "features", "--name",
         "lite0-block-features", "--epochs", "30", "--set", "start.layer=block10_add",
         "architecture.layers=gap,D256,drop.5", "optimizer.name=adam", "optimizer.rate=0.001",
         "optimizer.schedule=cosine", "optimizer.warmup=0.05", "augment=none", "data.folds=0"),
    ),
    Row(
        "inception-transfer", "any folder", "head first, then the layers from 172 on", "method only",
        ("train", "--preset", "inception-transfer", "--data", "DATA", "--name", "NAME"),
        "weights not installed; the same method below",
    ),
    Row(
        "inception-transfer (EfficientNet-Lite0)", _PETS,
        "the same head first, 10 epochs, then also the last 33 of 98 layers with weights, SGD .0001, momentum .9",
        "method only",
        ("train", "--data", "cats-dogs", "--from", "efficientnet-lite0", "--how", "fine-tune", "--name",
         "lite0-last-third", "--epochs", "20", "--set", "start.layer=map", "architecture.layers=gap,D1024",
         "start.unfreeze=33", "start.head_epochs=10", "start.head_rate=0.001", "start.head_optimizer=rmsprop",
         "optimizer.name=sgd", "optimizer.rate=0.0001", "optimizer.momentum=0.9", "optimizer.nesterov=false",
         "optimizer.schedule=constant", "optimizer.warmup=0"),
    ),
)  # fmt: skip


def main(argv: list[str]) -> int:
    """Run the wanted rows, keep their figures, write the table; 0 when every wanted row ended well."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reference_systems", description=__doc__)
    parser.add_argument("--only", action="append", default=[], metavar="ID", help="this row (may be repeated)")
    parser.add_argument("--table", action="store_true", help="only write the table anew from the figures kept")
    parser.add_argument("--list", action="store_true", help="show the rows and their commands")
    parser.add_argument("--home", type=Path, metavar="DIR", help="where runs and models go (default: thrown away)")
    options = parser.parse_args(argv)
    known = {row.id: row for row in ROWS}
    if options.list:
        print("\n".join(f"{row.id}: {command_of(row)}" for row in ROWS))
        return 0
    wrong = [name for name in options.only if name not in known]
    if wrong:
        parser.error(f"there is no row {', '.join(wrong)}; rows: {', '.join(known)}")
    wanted = [] if options.table else [known[name] for name in options.only] or [r for r in ROWS if _can_run(r)]
    failed = 0
    for row in wanted:
        if not _can_run(row):
            print(f"{row.id}: needs data or weights of your own; see its command", file=sys.stderr)
            failed += 1
            continue
        print(f"{row.id}: {command_of(row)}", flush=True)
        found = _run(row, options.home)
        failed += found is None
        if found is not None:
            keep(row.id, found)
            print(f"    {found['figure']}, {found['seconds']:.0f} s", flush=True)
    write_table()
    return 1 if failed else 0


def command_of(row: Row) -> str:
    """The row's command as a user types it."""
    words = [f"'{word}'" if any(c in word for c in ' "|[') else word for word in row.arguments]
    return " ".join(["fovea", *words])


def _can_run(row: Row) -> bool:
    return "DATA" not in row.arguments


def _run(row: Row, home: Path | None) -> dict[str, Any] | None:
    with tempfile.TemporaryDirectory(prefix="fovea-reference-", ignore_cleanup_errors=True) as scratch:
        environment = {**os.environ, "FOVEA_HOME": str(home or scratch), "TF_CPP_MIN_LOG_LEVEL": "3"}
        environment["PYTHONPATH"] = str(ROOT)
        began = time.monotonic()
        process = subprocess.run(
            [sys.executable, "-m", "desktop", *row.arguments, "--json"],
            cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        seconds = time.monotonic() - began
    lines = [json.loads(line) for line in process.stdout.splitlines() if line.startswith("{")]
    if process.returncode != 0:
        told = lines[-1].get("message", "") if lines else process.stderr[-500:]
        print(f"{row.id} ended with status {process.returncode}: {told}", file=sys.stderr)
        return None
    facts = {"date": time.strftime("%Y-%m-%d"), "seconds": round(seconds, 1), "machine": machine()}
    return {**facts, **_figures(lines, row.speed)}


def _figures(lines: list[dict[str, Any]], speed: bool = False) -> dict[str, Any]:
    """What a command's JSON lines say: of a training its model's figures, of a search or study its summary. ``speed``:
    the loss at both ends, images a second and memory as well."""
    model = next((line for line in lines if line.get("event") == "model"), None)
    if model is None:
        return {"figure": lines[-1]["summary"], "metrics": lines[-1].get("results", [])}
    epochs = [line for line in lines if line.get("event") == "epoch-done"]
    named = {metric["name"]: metric for metric in model["metrics"]}
    parts = []
    for name in ("accuracy", "sensitivity", "specificity", "area under ROC"):
        metric = named.get(name)
        if metric is not None:
            low, high = metric.get("low"), metric.get("high")
            shown = f"{metric['value']:.2%}" if name != "area under ROC" else f"{metric['value']:.3f}"
            within = f" ({low:.2%} to {high:.2%})" if name == "accuracy" and low is not None else ""
            parts.append(f"{name} {shown}{within} {metric['split']}")
    if epochs:
        parts.append(f"training accuracy at the end {epochs[-1]['accuracy']:.1%}")
    if epochs and speed:
        rate = statistics.median(epoch["images_per_s"] for epoch in epochs)
        memory = max(epoch["memory_bytes"] for epoch in epochs) / 2**30
        parts.append(f"loss {epochs[0]['loss']:.3f} in the first epoch, {epochs[-1]['loss']:.3f} in the last")
        parts.append(f"{rate:.1f} images/s, {memory:.1f} GiB of memory")
    return {"figure": "; ".join(parts), "metrics": model["metrics"], "epochs": len(epochs)}


def keep(row_id: str, found: dict[str, Any]) -> None:
    """Put one row's figures beside those of other rows."""
    held = _kept()
    held[row_id] = found
    text = json.dumps(dict(sorted(held.items())), indent=1) + "\n"
    part = FIGURES.with_suffix(f".{os.getpid()}.part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, FIGURES)


def _kept() -> dict[str, Any]:
    try:
        held: dict[str, Any] = json.loads(FIGURES.read_text(encoding="utf-8"))
        return held
    except FileNotFoundError:
        return {}


def table() -> str:
    """The table in Markdown, from the figures kept."""
    held = _kept()
    lines = ["| id | data | net and training | reported | Fovea | time | command |", "|---|---|---|---|---|---|---|"]
    for row in ROWS:
        found = held.get(row.id)
        figure = found["figure"] if found else "not run"
        if row.note:
            figure += f" ({row.note})"
        spent = f"{found['seconds'] / 60:.1f} min" if found else ""
        cells = [f"`{row.id}`", row.data, row.what, row.reported, figure, spent, f"`{command_of(row)}`"]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    used = {
        json.dumps({k: found["machine"].get(k) for k in ("processor", "cores", "system")}) for found in held.values()
    }
    for text in sorted(used):
        facts = json.loads(text)
        lines += ["", f"Machine: {facts['processor']}, {facts['cores']} cores, {facts['system']}."]
    return "\n".join(lines)


def write_table() -> None:
    """Put the table into ``docs/results.md`` between its marks; the words around it stay."""
    text = TABLE.read_text(encoding="utf-8") if TABLE.is_file() else f"# Results\n\n{_BEGIN}\n{_END}\n"
    if _BEGIN not in text:
        text += f"\n{_BEGIN}\n{_END}\n"
    before, _, rest = text.partition(_BEGIN)
    after = rest.partition(_END)[2]
    TABLE.write_text(f"{before}{_BEGIN}\n\n{table()}\n\n{_END}{after}", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
