"""``python -m benchmarks``: all of them, one after another."""

from __future__ import annotations

import sys

from benchmarks import inference, responsiveness, startup, training


def main(argv: list[str]) -> int:
    """Run every benchmark with the same options; the exit status is 0 when every bar holds."""
    return max([int(module.main(argv)) for module in (startup, inference, responsiveness, training)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
