"""Try a frozen program in the surroundings that its users have, and write down what held.

    python -m installers.try_frozen --program dist/Fovea-viewer --out docs/evidence/viewer-debian-12.json

Each trial is a real run of the program's own self-test, without anything of the builder's: no Python on the PATH, no
variables, a fresh home. What cannot be tried here is written down as not tried, with the reason.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from installers import bundle, evidence

_LIMIT_S = 900
_NOBODY = 65534
# What Windows' own libraries need to find themselves.
_WINDOWS = ("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE")


class NotTriedError(Exception):
    """This trial is not possible here; the text says why."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One surrounding in which the program was run."""

    name: str
    state: str  # ok, failed, not-tried
    detail: str
    seconds: float


def main(argv: list[str]) -> int:
    """Run the trials; the exit status is 0 when none failed."""
    parser = argparse.ArgumentParser(prog="python -m installers.try_frozen", description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=Path, required=True, help="the folder that build.spec made, or installed")
    parser.add_argument("--out", type=Path, help="the JSON file to write (default: stdout)")
    parser.add_argument("--artefact", type=Path, help="the package that the program was installed from")
    parser.add_argument("--root", type=Path, help="a bare Debian (debootstrap) to run the program in; needs root")
    parser.add_argument("--skip", action="append", default=[], metavar="CHECK", help="a check of the self-test")
    parser.add_argument("--only", action="append", default=[], metavar="TRIAL", choices=[*TRIALS])
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="fovea-trial-", ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o755)
        runner = Runner(options.program.resolve(), Path(folder), options.skip, options.root)
        trials = [runner.trial(name) for name in options.only or TRIALS]
    built = bundle.built(runner.program)
    about: dict[str, Any] = {key: built[key] for key in ("commit", "changed") if key in built}
    record: dict[str, Any] = {
        **evidence.head("frozen"),
        **about,
        "built_on": built.get("system", "unknown"),
        "edition": runner.report.get("edition", ""),
        "size_mb": round(bundle.size(runner.program) / bundle.MB, 1),
        "program": evidence.folder_hash(runner.program),
        "artefact": evidence.artefact(options.artefact),
        "trials": [asdict(trial) for trial in trials],
        "checks": runner.report.get("checks", []),
        "holds": all(trial.state != "failed" for trial in trials) and any(t.state == "ok" for t in trials),
    }
    text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text, encoding="utf-8")
    else:
        print(text)
    for trial in trials:
        print(f"{trial.state:<10}{trial.name:<18}{trial.seconds:>6.0f} s  {trial.detail}", file=sys.stderr)
    return 0 if record["holds"] else 1


class Runner:
    """Runs the program in one surrounding after another; ``report`` is the self-test's of the first that gave one."""

    def __init__(self, program: Path, work: Path, skip: list[str], root: Path | None = None) -> None:
        self.program = program
        self.work = work
        self.skip = [argument for name in skip for argument in ("--skip", name)]
        self.root = root
        self.report: dict[str, Any] = {}

    def trial(self, name: str) -> Trial:
        """Run one of :data:`TRIALS`."""
        begin = time.monotonic()
        try:
            state, detail = "ok", TRIALS[name](self)
        except NotTriedError as reason:
            state, detail = "not-tried", str(reason)
        except (AssertionError, OSError, subprocess.TimeoutExpired) as error:
            state, detail = "failed", str(error).strip()[-600:] or type(error).__name__
        return Trial(name, state, detail, round(time.monotonic() - begin, 1))

    def executable(self, program: Path | None = None, window: bool = False) -> Path:
        """The program's file in ``program`` (default: where it was built)."""
        name = bundle.WINDOW_PROGRAM if window else bundle.PROGRAM
        return (program or self.program) / (f"{name}.exe" if os.name == "nt" else name)

    def home(self, name: str) -> Path:
        """A fresh, empty home."""
        folder = self.work / name
        folder.mkdir(exist_ok=True)
        return folder

    def environment(self, home: Path) -> dict[str, str]:
        """Nothing of the builder's."""
        values = {"HOME": str(home), "PATH": os.devnull, "TMPDIR": str(self.work), "LANG": "C.UTF-8"}
        if os.name == "nt":
            values |= {name: os.environ[name] for name in _WINDOWS if name in os.environ}
            values |= {"USERPROFILE": str(home), "APPDATA": str(home), "LOCALAPPDATA": str(home)}
            values |= {"TEMP": str(self.work), "TMP": str(self.work)}
        return values

    def selftest(self, command: list[str], home: Path, **options: Any) -> str:
        """Run the self-test; returns in words what it found. Raises AssertionError where something does not hold."""
        arguments = [*command, "selftest", "--json", *self.skip]
        values: dict[str, Any] = {"env": self.environment(home), "cwd": self.work, **options}
        done = subprocess.run(arguments, capture_output=True, timeout=_LIMIT_S, check=False, **values)
        said = done.stderr.decode("utf-8", "replace")
        assert done.returncode in (0, 1) and done.stdout.strip(), f"it ended with {done.returncode}: {said}"
        report = json.loads(done.stdout)
        self.report = self.report or report
        checks = report["checks"]
        failed = [f"{check['name']}: {check['detail']}" for check in checks if check["state"] == "failed"]
        assert report["holds"] and done.returncode == 0 and not failed, "; ".join(failed)
        states = [check["state"] for check in checks]
        return f"{states.count('ok')} checks hold, {states.count('not-installed')} not part of it"


def bare(run: Runner) -> str:
    """No variables, no Python on the PATH, a fresh home."""
    return run.selftest([str(run.executable())], run.home("home"))


def closed_streams(run: Runner) -> str:
    """Input, output and errors closed, as for a program that a desktop starts."""
    if os.name == "nt":
        command = [str(run.executable(window=True)), "selftest", *run.skip]
        options: dict[str, Any] = {"creationflags": 0x00000008}  # DETACHED_PROCESS
    else:
        # The shell closes the streams and becomes the program.
        command = ["/bin/sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-', str(run.executable()), "selftest", *run.skip]
        options = {}
    environment = run.environment(run.home("closed"))
    done = subprocess.run(command, env=environment, cwd=run.work, timeout=_LIMIT_S, check=False, **options)
    assert done.returncode == 0, f"it ended with {done.returncode}"
    return "it ended with 0"


def other_letters(run: Runner) -> str:
    """Program and home in a folder named in several alphabets, with a blank."""
    place = run.work / "Ünï 日本"
    place.mkdir()
    program = place / run.program.name
    copy_tree(run.program, program)
    home = place / "home"
    home.mkdir()
    try:
        return run.selftest([str(run.executable(program))], home)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def read_only_home(run: Runner) -> str:
    """A home that may be read and never written: the self-test, an answer, and the window."""
    if os.name == "nt":
        raise NotTriedError("a folder's owner may always write to it on Windows")
    home = run.home("read-only")
    home.chmod(0o555)
    scratch = run.work / "scratch"
    scratch.mkdir(exist_ok=True)
    scratch.chmod(0o777)
    options: dict[str, Any] = {"env": run.environment(home) | {"TMPDIR": str(scratch)}, "cwd": "/"}
    if os.geteuid() == 0:  # the superuser may write anywhere: somebody else tries it
        options |= {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}
    try:
        said = run.selftest([str(run.executable())], home, **options)
        (sample,) = list((run.program / "_internal").glob("resources/samples/digit-3-pen.png"))
        for arguments in (
            ["predict", "--model", "mnist-digits", str(sample)],
            ["screenshot", "--view", "classify", "--image", str(sample), "--out", str(scratch / "window.png")],
        ):
            done = subprocess.run(
                [str(run.executable()), *arguments], capture_output=True, timeout=_LIMIT_S, check=False, **options
            )
            assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
        assert not list(home.iterdir())
    finally:
        home.chmod(0o755)
    return f"{said}; a file is answered, the window is drawn, nothing was written"


def no_network(run: Runner) -> str:
    """Without any network, not even this computer's own."""
    unshare = shutil.which("unshare")
    if unshare is None:
        raise NotTriedError("that needs 'unshare' (Linux)")
    command = [unshare, "-n"] if os.geteuid() == 0 else [unshare, "-r", "-n"]
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        raise NotTriedError("this system does not allow a network of one's own")
    return run.selftest([*command, str(run.executable())], run.home("offline"))


def bare_system(run: Runner) -> str:
    """In a Debian that holds what the package depends on and nothing else: no Python, no compiler, no network."""
    if run.root is None:
        raise NotTriedError("no --root was given")
    if os.name == "nt" or os.geteuid() != 0:
        raise NotTriedError("entering another root needs root")
    target = run.root / "opt" / "fovea"
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(exist_ok=True)
    copy_tree(run.program, target)
    # A mount table and processes of its own: all of it is gone with the last process.
    script = 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" "$@"'
    command = ["unshare", "--mount", "--pid", "--fork", "--net", "sh", "-c", script, str(run.root)]
    inside = ["/usr/bin/env", "-i", "HOME=/root", "PATH=/usr/bin:/bin", "LANG=C.UTF-8", "/opt/fovea/fovea"]
    options = {"env": dict(os.environ), "cwd": "/"}
    assert not list(run.root.glob("usr/bin/python3*")), "there is a Python in that system"
    try:
        return run.selftest([*command, *inside], run.home("unused"), **options)
    finally:
        shutil.rmtree(target, ignore_errors=True)


def copy_tree(source: Path, target: Path) -> None:
    """A copy of ``source``; its files are shared with it where both lie on one disk."""

    def link(one: str, other: str) -> None:
        try:
            os.link(one, other)
        except OSError:
            shutil.copy2(one, other)

    shutil.copytree(source, target, symlinks=True, copy_function=link)


TRIALS: dict[str, Callable[[Runner], str]] = {
    "bare": bare,
    "closed-streams": closed_streams,
    "other-letters": other_letters,
    "read-only-home": read_only_home,
    "no-network": no_network,
    "bare-system": bare_system,
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
