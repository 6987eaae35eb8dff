"""Stands in for ``desktop.ml.job`` in a child: see :mod:`tests.engine.jobs`. Orders, one a line:

``epochs N``: tell of N epochs (from where it stopped before) as a training would, obeying commands;
``batches N``: N batch events at once; ``fault``: raise; ``refuse``: raise a FoveaError;
``print``: write to both streams; ``memory``: MemoryError;
``die SIGNAL``: end by a signal; ``deaf``: hear no command for ever; ``child``: start a process of its own and wait;
``slow``: the epochs that follow take a tenth of a second each;
``crossed ID``: a head that is solved, cross-validated in five parts; the model ID came of it.
"""

import json
import os
import signal
import subprocess
import sys
import time

from desktop.core.types import FoveaError
from desktop.ml.plans.events import EpochDone, Finished, Note, Paused, Resumed, Started, TrainBatchDone
from desktop.store.runs import RunStore, training_lock


def execute(run, listener, control):
    store = RunStore(run.parent)
    with training_lock(run):
        store.update(run.name, state="running", pid=os.getpid())
        end = _obey(run, listener, control, store)
        states = {"done": "done", "cancelled": "stopped", "stopped": "stopped", "failed": "failed"}
        store.update(run.name, state=states[end.state], message=end.message, model_id=end.model_id or "")
        return end


def _obey(run, listener, control, store):
    pause = 0.0
    for line in (run / "orders.txt").read_text(encoding="utf-8").splitlines():
        word, _, value = line.partition(" ")
        if word == "batches":
            for step in range(int(value)):
                listener(TrainBatchDone(0, step, int(value), 1.0, 0.5))
        elif word == "slow":
            pause = 0.1
        elif word == "epochs":
            end = _epochs(run, int(value), pause, listener, control, store)
            if end is not None:
                return end
        elif word == "crossed":
            listener(Started("CPU (a test)", 40, 16, 16, 0, 1, "none", 0, 5))
            listener(EpochDone(0, 1, 0.5, 0.9, 0.6, 0.8, 0.01, 0.5, 100.0, 1 << 20, True))
            return Finished("done", value, "the model is in the store")
        elif word == "print":
            print("to whom it may concern", flush=True)
            print("and to whom it may not", file=sys.stderr, flush=True)
        elif word == "fault":
            raise RuntimeError("secret of /home/someone")
        elif word == "refuse":
            raise FoveaError("not-finite", "the loss was no longer a number in epoch 2", "Lower the learning rate.")
        elif word == "memory":
            raise MemoryError
        elif word == "die":
            os.kill(os.getpid(), getattr(signal, value))
        elif word == "deaf":
            listener(Note("deaf"))
            while True:
                time.sleep(60)
        elif word == "child":
            held = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            listener(Note(str(held.pid)))
            held.wait()
    return Finished("done", "made", "the model is in the store")


def _epochs(run, count, pause, listener, control, store):
    kept = run / "kept.json"
    first = json.loads(kept.read_text())["epochs"] if kept.exists() else 0
    listener(Started("CPU (a test)", 1234, 90, 10, first, count, "none", 10))
    last = False
    for epoch in range(first, count):
        for step in range(5):
            time.sleep(pause / 5)
            listener(TrainBatchDone(epoch, step + 1, 5, 1.0 / (epoch + 1), 0.5, 0.01, 100.0, 1 << 20))
            command = control.command()
            if command == "pause":
                listener(Paused())
                while (command := control.command()) is None:
                    time.sleep(0.005)
                listener(Resumed())
            if command == "cancel":
                return Finished("cancelled", None, "cancelled")
            if command == "stop-after-batch":
                return Finished("stopped", None, f"stopped in epoch {epoch + 1}")
            last = last or command == "stop-after-epoch"
        kept.write_text(json.dumps({"epochs": epoch + 1}))
        with (run / "history.csv").open("a", encoding="utf-8", newline="") as stream:
            if not stream.tell():
                stream.write("epoch,loss,accuracy,val_loss,val_accuracy,rate,seconds\n")
            stream.write(f"{epoch + 1},{1 / (epoch + 1):.6g},0.5,{1.1 / (epoch + 1):.6g},0.4,0.01,0.5\n")
        store.update(run.name, epochs_done=epoch + 1)
        listener(EpochDone(epoch, count, 1 / (epoch + 1), 0.5, 1.1 / (epoch + 1), 0.4, 0.01, 0.5, 100.0, 1 << 20, True))
        if last:
            return Finished("done", "made", f"the best of {epoch + 1} epochs")
    return None
