"""The two networks of the training benchmark in plain PyTorch, layer for layer as Fovea's own."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

CLASSES = 10


def build(network: str) -> nn.Module:
    """``cifar-deep`` or ``fovea-small-residual`` for 32×32 colour pictures, float32 (n, 3, 32, 32) in, logits out."""
    return _deep() if network == "cifar-deep" else Residual()


def _deep() -> nn.Module:
    def conv(before: int, after: int, padding: int) -> list[nn.Module]:
        return [nn.Conv2d(before, after, 3, padding=padding), nn.ReLU()]

    return nn.Sequential(
        *conv(3, 32, 1), *conv(32, 32, 1), nn.MaxPool2d(2), nn.Dropout(0.25),
        *conv(32, 64, 1), *conv(64, 64, 0), nn.MaxPool2d(2), nn.Dropout(0.25),
        nn.Flatten(), nn.Linear(7 * 7 * 64, 512), nn.ReLU(), nn.Dropout(0.5), nn.Linear(512, CLASSES),
    )  # fmt: skip


class Residual(nn.Module):
    """Fovea's small residual net: a stem, then three stages that halve the picture and hold one residual block."""

    def __init__(self) -> None:
        super().__init__()
        stages: list[nn.Module] = [*_unit(3, 32, 1)]
        before = 32
        for width in (32, 64, 128):
            stages += [*_unit(before, width, 2), _Block(width)]
            before = width
        self.body = nn.Sequential(*stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2))
        self.logits = nn.Linear(before, CLASSES)

    def forward(self, x: Any) -> Any:
        """Logits of a batch."""
        return self.logits(self.body(x))


def _unit(before: int, after: int, stride: int) -> list[nn.Module]:
    conv = nn.Conv2d(before, after, 3, stride, padding=1, bias=False)
    return [conv, nn.BatchNorm2d(after, 1e-3), nn.ReLU()]


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.way = nn.Sequential(*_unit(width, width, 1), second, nn.BatchNorm2d(width, 1e-3))

    def forward(self, x: Any) -> Any:
        """The input plus what two convolutions make of it."""
        return torch.relu(x + self.way(x))


def parameters(network: nn.Module) -> int:
    """How many numbers a network learns."""
    return sum(p.numel() for p in network.parameters())
