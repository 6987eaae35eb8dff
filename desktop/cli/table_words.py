"""The words over columns and beside facts in what the command line prints; programs read JSON, which keeps its keys."""

from __future__ import annotations

from desktop.core.translate import QT_TRANSLATE_NOOP as T
from desktop.system.words import translated

CONTEXT = "Table"

WORDS = (
    # heads of tables
    T("Table", "id"), T("Table", "name"), T("Table", "state"), T("Table", "from"), T("Table", "labels"),
    T("Table", "input"), T("Table", "size"), T("Table", "run"), T("Table", "epochs"), T("Table", "validation"),
    T("Table", "data"), T("Table", "time"), T("Table", "figure"), T("Table", "value"), T("Table", "95 % interval"),
    T("Table", "class"), T("Table", "images"), T("Table", "answers"), T("Table", "pictures"), T("Table", "picture"),
    T("Table", "answer"), T("Table", "next"), T("Table", "ms"), T("Table", "trial"), T("Table", "installed"),
    T("Table", "weights"), T("Table", "parameters"), T("Table", "licence"), T("Table", "preset"),
    T("Table", "made for"), T("Table", "what it is"), T("Table", "truth \\ answer"), T("Table", "the plans differ in"),
    T("Table", "net"), T("Table", "training"), T("Table", "accuracy"), T("Table", "precision"), T("Table", "recall"),
    T("Table", "specificity"), T("Table", "model score"), T("Table", "probability"), T("Table", "file"),
    T("Table", "component"), T("Table", "version"), T("Table", "kind"), T("Table", "check"), T("Table", "seconds"),
    T("Table", "loss"), T("Table", "epoch"), T("Table", "val_loss"), T("Table", "val_accuracy"),
    T("Table", "val_balanced_accuracy"), T("Table", "search"), T("Table", "trials"), T("Table", "best"),
    # facts of a run
    T("Table", "begun"), T("Table", "device"), T("Table", "model"), T("Table", "parent"), T("Table", "message"),
    T("Table", "hint"),
    # facts of a model
    T("Table", "State"), T("Table", "About"), T("Table", "For"), T("Table", "Must not"), T("Table", "Data"),
    T("Table", "Notice"), T("Table", "Input"), T("Table", "Labels"), T("Table", "Numbers"), T("Table", "Answer"),
    T("Table", "Network"), T("Table", "Trained on"), T("Table", "Limits"), T("Table", "Fails on"),
    T("Table", "Credits"), T("Table", "Measured"),
    # facts of labelled data
    T("Table", "colours"), T("Table", "formats"), T("Table", "people"), T("Table", "fingerprint"),
    # states and marks
    T("Table", "ready"), T("Table", "damaged"), T("Table", "weights not installed"), T("Table", "done"),
    T("Table", "stopped"), T("Table", "interrupted"), T("Table", "running"), T("Table", "queued"),
    T("Table", "paused"), T("Table", "failed"), T("Table", "pruned"), T("Table", "yes"), T("Table", "no"),
    T("Table", "you"), T("Table", "STOPS TRAINING"), T("Table", "caution"), T("Table", "note"),
    T("Table", "grey"), T("Table", "colour"), T("Table", "ok"), T("Table", "FAILED"), T("Table", "not installed"),
)  # fmt: skip


def word(text: str) -> str:
    """``text`` in the language that is spoken, where it is one of these words."""
    return translated(CONTEXT, text)
