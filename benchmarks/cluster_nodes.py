"""A Ray cluster of several nodes on this computer, for measurements and tests: each node is a raylet of its own.

The nodes belong to a process of their own, which takes orders on its standard input, so that whoever asks for them
keeps its own process free of Ray. They talk over the loopback interface, and only with who knows their token.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

ENVIRONMENT = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "token",
    "RAY_worker_niceness": "0",
    "RAY_DISABLE_IMPORT_WARNING": "1",
}
"""How Ray is started: on loopback, with a token, telling nobody."""
_STORE_BYTES = 100 << 20
_STARTS = 4


class Nodes:
    """Nodes of so many cores each; a context manager. ``environment`` is for whoever connects."""

    def __init__(self, *cores: int, environment: Mapping[str, str] | None = None) -> None:
        self.environment = {**ENVIRONMENT, "RAY_AUTH_TOKEN": secrets.token_hex(16), **(environment or {})}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.cluster_nodes"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **self.environment},
            cwd=Path(__file__).resolve().parent.parent,
            text=True,
        )
        self.address = ""
        try:
            for count in cores:
                self.add(count)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The process that all of them belong to."""
        return self._process.pid

    def add(self, cores: int, environment: Mapping[str, str] | None = None) -> int:
        """Start a node, whose processes see ``environment`` as well; returns its number."""
        told = self._order({"do": "add", "cores": cores, "environment": dict(environment or {})})
        self.address = told["address"]
        return int(told["number"])

    def kill(self, number: int) -> None:
        """End a node as a power cut would: none of its processes is asked."""
        self._order({"do": "kill", "number": number})

    def close(self) -> None:
        """End all nodes."""
        if self._process.poll() is None and self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()  # its sign to end
            try:
                self._process.wait(60)
            except subprocess.TimeoutExpired:
                self._process.kill()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _order(self, order: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith("{"):
                found: dict[str, Any] = json.loads(line)
                return found
        raise RuntimeError("the nodes have ended")


def main() -> None:
    """Take orders until there are no more, then end all nodes."""
    from ray.cluster_utils import Cluster

    cluster: Any = None
    nodes: list[Any] = []
    for line in sys.stdin:
        order = json.loads(line)
        if order["do"] == "kill":
            cluster.remove_node(nodes[order["number"]], allow_graceful=False)
            print(json.dumps({}), flush=True)
            continue
        before = dict(os.environ)
        os.environ.update(order["environment"])
        facts = {"num_cpus": order["cores"], "object_store_memory": _STORE_BYTES, "include_dashboard": False}
        for attempt in range(_STARTS):
            try:
                if cluster is None:
                    cluster = Cluster(initialize_head=True, head_node_args=facts)
                    nodes.append(cluster.head_node)
                else:
                    nodes.append(cluster.add_node(wait=False, **facts))
                break
            except Exception:  # Ray gives a node half a minute to come up: a busy computer needs more
                if attempt + 1 == _STARTS:
                    raise
        os.environ.clear()
        os.environ.update(before)
        print(json.dumps({"address": cluster.address, "number": len(nodes) - 1}), flush=True)
    if cluster is not None:
        cluster.shutdown()


if __name__ == "__main__":
    main()
