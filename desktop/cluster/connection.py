"""The way to a cluster: one on this computer alone, or one that somebody has started, by its address.

Ray is imported here, in functions: nobody pays for it who asks for no cluster. A cluster of Fovea's own listens on the
loopback interface only and takes no order without a secret that is made for it; no dashboard, no reports to its makers.
"""

from __future__ import annotations

import contextlib
import importlib.util
import ipaddress
import logging
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from desktop.core.types import FoveaError
from desktop.system.words import phrase

LOCAL = "local"
PORT = 6379
_STORE_BYTES = 256 << 20  # of the store of objects on this computer; Ray would take a third of the memory
_STARTS = 3
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DISABLE_IMPORT_WARNING": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    # Ray would start workers at 15, behind everything else that this computer does.
    "RAY_worker_niceness": "0",
}
_ALONE = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # Ray's name for: nodes talk over 127.0.0.1 alone
    "RAY_AUTH_MODE": "token",
    "RAY_GRPC_ENABLE_HTTP_PROXY": "0",
}


class ClusterError(FoveaError):
    """No cluster to work on. Kinds: ``no-ray``, ``bad-address``, ``no-cluster``, ``no-node``, ``cluster-lost``."""


class NodeName(NamedTuple):
    """A node that is alive: Ray's ``id``, what people call it, its processors."""

    id: str
    name: str
    cores: int


def has_ray() -> bool:
    """Whether the extra is installed."""
    return importlib.util.find_spec("ray") is not None and importlib.util.find_spec("pyarrow") is not None


def require() -> None:
    """Raise :class:`ClusterError` ``no-ray`` where the extra is not installed."""
    if not has_ray():
        raise ClusterError(
            "no-ray",
            "this installation has no Ray, which a cluster needs",
            'Install it: pip install "fovea-classifier[cluster]".',
        )


def check_address(address: str) -> str:
    """``local``, or an address as Ray takes it. Raises :class:`ClusterError` ``bad-address``."""
    if address == LOCAL:
        return address
    host, colon, port = address.rpartition(":") if ":" in address else (address, "", "")
    number = port if colon else str(PORT)
    if "//" in address or not host or not number.isdigit() or not 0 < int(number) < 65536:
        raise ClusterError(
            "bad-address",
            phrase("'{address}' is no address of a cluster", address=address),
            phrase("Write HOST or HOST:PORT as given to 'ray start', or 'local'."),
        )
    return f"{host}:{number}"


@contextlib.contextmanager
def connected(address: str, cores: int | None = None) -> Iterator[Any]:
    """Ray, connected to the cluster at ``address``; ``local`` begins one of ``cores`` (default: all) on this computer
    and ends it afterwards. Raises :class:`ClusterError`."""
    require()
    address = check_address(address)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_environment(_settings(address)))
        import ray

        if ray.is_initialized():  # a program's own connection stays the program's
            yield ray
            return
        with _told(address):
            if address == LOCAL:
                folder = stack.enter_context(
                    tempfile.TemporaryDirectory(prefix="fovea-ray-", ignore_cleanup_errors=True)
                )
                _begin(ray, cores, folder)
            else:
                ray.init(address=address, log_to_driver=False, logging_level=logging.CRITICAL)
        try:
            yield ray
        finally:
            ray.shutdown()


def _begin(ray: Any, cores: int | None, folder: str) -> None:
    """Begin a cluster on this computer. Ray gives it half a minute to come up; a busy computer may need another."""
    for attempt in range(_STARTS):
        try:
            ray.init(
                address=LOCAL, num_cpus=cores, include_dashboard=False, log_to_driver=False,
                logging_level=logging.CRITICAL, object_store_memory=_STORE_BYTES, _temp_dir=folder,
            )  # fmt: skip
            return
        except Exception as error:
            ray.shutdown()
            if attempt + 1 == _STARTS or "timed out" not in str(error):
                raise


def _settings(address: str) -> dict[str, str]:
    if address != LOCAL:
        return {**_QUIET, **({"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"} if _is_loopback(address) else {})}
    return {**_QUIET, **_ALONE, "RAY_AUTH_TOKEN": secrets.token_hex(32)}


def _is_loopback(address: str) -> bool:
    host = address.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """These variables for Ray and what it starts; what the user has set stays."""
    added = [name for name in values if name not in os.environ]
    for name in added:
        os.environ[name] = values[name]
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


@contextlib.contextmanager
def _told(address: str) -> Iterator[None]:
    """What Ray raises while it connects, in words."""
    try:
        yield
    except FoveaError:
        raise
    except Exception as error:  # ConnectionError, RuntimeError (other versions), ValueError, its own
        said = " ".join(str(error).split())
        if "Version mismatch" in said or "version" in said.lower() and "ray" in said.lower():
            raise ClusterError(
                "no-cluster",
                phrase("the cluster at '{address}' runs another Ray or Python than this computer", address=address),
                phrase("Install the same on all of them; Ray says: {said}", said=said[:300]),
            ) from error
        raise ClusterError(
            "no-cluster",
            phrase("no connection to the cluster at '{address}' ({name})", address=address, name=type(error).__name__),
            phrase("This computer must be a node of it ('ray start --address=…'). Ray says: {said}", said=said[:300]),
        ) from error


def alive(ray: Any) -> dict[str, NodeName]:
    """The nodes that are alive, by Ray's id. Raises :class:`ClusterError` ``cluster-lost``."""
    try:
        found = ray.nodes()
    except Exception as error:
        raise ClusterError(
            "cluster-lost", phrase("the cluster is gone ({name})", name=type(error).__name__), "--resume goes on."
        ) from error
    return {
        node["NodeID"]: NodeName(
            node["NodeID"],
            f"{node.get('NodeManagerHostname') or node['NodeName']} ({node['NodeManagerAddress']})",
            int(node.get("Resources", {}).get("CPU", 0)),
        )
        for node in found
        if node["Alive"]
    }
