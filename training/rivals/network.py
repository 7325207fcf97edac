"""A small convolutional autoencoder in numpy: layers, their gradients, and its training.

```
(L, C) ─▶ conv 32 ÷2 ─▶ conv 16 ÷2 ─▶ transposed 16 x2 ─▶ transposed 32 x2 ─▶ transposed 1 or C      kernels of 7
```
The shape and the training (Adam, mean squared error, dropout .2, a tenth of the windows to stop early by) are those
of waico/SKAB's Conv-AE. Written out because the framework it is published in takes 1.6 GB for a few thousand
weights; a test compares every gradient with a difference quotient.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

Tensor = np.ndarray[Any, np.dtype[np.float32]]

KERNEL: Final = 7
DROPOUT: Final = 0.2
EPOCHS: Final = 100
PATIENCE: Final = 5
BATCH: Final = 32
_RATE, _FIRST, _SECOND, _TINY = 1e-3, 0.9, 0.999, 1e-7
"""Adam's (Kingma & Ba 2015), as Keras sets them."""


class Shape(NamedTuple):
    """Of one layer.

    Attributes:
        taken: Channels in.
        given: Channels out.
        stride: Steps of the kernel.
        grows: Transposed: longer by the stride instead of shorter.
        relu: Cut below zero.
    """

    taken: int
    given: int
    stride: int
    grows: bool
    relu: bool


class Layer:
    """One convolution, same padding.

    Attributes:
        parameters: Weights and bias, changed in place by training.
        gradients: Of the loss by them, after ``back``.
    """

    def __init__(self, shape: Shape, random: np.random.Generator) -> None:
        self._shape = shape
        inner, outer = (shape.given, shape.taken) if shape.grows else (shape.taken, shape.given)
        reach = np.sqrt(6 / (KERNEL * (inner + outer)))  # Glorot & Bengio 2010
        weights = random.uniform(-reach, reach, size=(KERNEL * inner, outer)).astype(np.float32)
        self.parameters = [weights, np.zeros(shape.given, dtype=np.float32)]
        self.gradients = [np.zeros_like(each) for each in self.parameters]
        self._seen = self._passed = np.zeros((0, 0, 0), dtype=np.float32)
        self._length = 0

    def forward(self, x: Tensor) -> Tensor:
        """Windows by steps by channels."""
        weights, bias = self.parameters
        shape = self._shape
        if shape.grows:
            self._seen, self._length = x, x.shape[1] * shape.stride
            out = fold(x @ weights.T, self._length, shape.stride) + bias
        else:
            self._seen, self._length = unfold(x, shape.stride), x.shape[1]
            out = self._seen @ weights + bias
        self._passed = (out > 0).astype(out.dtype) if shape.relu else np.ones_like(out)
        passed: Tensor = out * self._passed
        return passed

    def back(self, slope: Tensor) -> Tensor:
        """Takes the loss's gradient by what ``forward`` gave; returns the one by what it took."""
        weights, stride = self.parameters[0], self._shape.stride
        passed = slope * self._passed
        if self._shape.grows:
            spread = unfold(passed, stride)
            self.gradients = [_summed(spread, self._seen), passed.sum(axis=(0, 1))]
            grown: Tensor = spread @ weights
            return grown
        self.gradients = [_summed(self._seen, passed), passed.sum(axis=(0, 1))]
        return fold(passed @ weights.T, self._length, stride)


def unfold(x: Tensor, stride: int) -> Tensor:
    """Windows by steps by channels: what the kernel sees at each of its places, side by side."""
    batch, length, channels = x.shape
    places = -(-length // stride)
    left, right = _padding(length, stride)
    padded = np.pad(x, ((0, 0), (left, right), (0, 0)))
    at = np.arange(places)[:, None] * stride + np.arange(KERNEL)
    columns: Tensor = padded[:, at].reshape(batch, places, KERNEL * channels)
    return columns


def fold(columns: Tensor, length: int, stride: int) -> Tensor:
    """The transpose of ``unfold``: every place's columns added where they came from."""
    batch, places, wide = columns.shape
    left, right = _padding(length, stride)
    out = np.zeros((batch, length + left + right, wide // KERNEL), dtype=columns.dtype)
    spread = columns.reshape(batch, places, KERNEL, wide // KERNEL)
    for tap in range(KERNEL):
        out[:, tap : tap + places * stride : stride][:, :places] += spread[:, :, tap]
    return out[:, left : left + length]


def _padding(length: int, stride: int) -> tuple[int, int]:
    places = -(-length // stride)
    needed = max(0, (places - 1) * stride + KERNEL - length)
    return needed // 2, needed - needed // 2


def _summed(left: Tensor, right: Tensor) -> Tensor:
    summed: Tensor = left.reshape(-1, left.shape[-1]).T @ right.reshape(-1, right.shape[-1])
    return summed


class Autoencoder:
    """Trained once, then only asked.

    Args:
        channels: Of the windows.
        outputs: Channels it gives back; 1, as published, is compared with every channel.
        seed: Of weights, order and dropout.
    """

    def __init__(self, channels: int, outputs: int, *, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        shapes = (
            Shape(channels, 32, 2, grows=False, relu=True),
            Shape(32, 16, 2, grows=False, relu=True),
            Shape(16, 16, 2, grows=True, relu=True),
            Shape(16, 32, 2, grows=True, relu=True),
            Shape(32, outputs, 1, grows=True, relu=False),
        )
        self.layers = [Layer(shape, self._random) for shape in shapes]
        self._moments = [[np.zeros((2, *each.shape)) for each in layer.parameters] for layer in self.layers]
        self._steps = 0

    def fit(self, windows: Tensor) -> int:
        """Trains on all but the last tenth until that has not got better for a while; returns the epochs."""
        kept = max(1, len(windows) // 10)
        train, held_out = windows[:-kept], windows[-kept:]
        best, waited = np.inf, 0
        for epoch in range(1, EPOCHS + 1):
            order = self._random.permutation(len(train))
            for first in range(0, len(train), BATCH):
                self.slopes(train[order[first : first + BATCH]], dropout=DROPOUT)
                self._step()
            loss = float(((self.predict(held_out) - held_out) ** 2).mean())
            best, waited = (loss, 0) if loss < best else (best, waited + 1)
            if waited >= PATIENCE:
                return epoch
        return EPOCHS

    def predict(self, windows: Tensor) -> Tensor:
        """What it takes the windows to be."""
        return self._through(windows, [None] * len(self.layers))

    def slopes(self, windows: Tensor, *, dropout: float) -> float:
        """Fills every layer's gradients for a batch; returns its loss."""
        masks: list[Tensor | None] = [None] * len(self.layers)
        for at, channels in ((0, 32), (2, 16)) if dropout else ():
            kept = self._random.random((len(windows), windows.shape[1] // 2, channels)) >= dropout
            masks[at] = (kept / (1 - dropout)).astype(np.float32)
        error = self._through(windows, masks) - windows
        slope = (2 / error.size) * error
        if self.layers[-1].parameters[1].size == 1:
            slope = slope.sum(axis=2, keepdims=True)
        for layer, mask in zip(reversed(self.layers), reversed(masks), strict=True):
            slope = layer.back(slope if mask is None else slope * mask)
        return float((error**2).mean())

    def _through(self, windows: Tensor, masks: Sequence[Tensor | None]) -> Tensor:
        x = windows
        for layer, mask in zip(self.layers, masks, strict=True):
            x = layer.forward(x)
            x = x if mask is None else x * mask
        return x

    def _step(self) -> None:
        """Adam's."""
        self._steps += 1
        rate = _RATE * np.sqrt(1 - _SECOND**self._steps) / (1 - _FIRST**self._steps)
        for layer, moments in zip(self.layers, self._moments, strict=True):
            for parameter, gradient, moment in zip(layer.parameters, layer.gradients, moments, strict=True):
                moment[0] += (1 - _FIRST) * (gradient - moment[0])
                moment[1] += (1 - _SECOND) * (gradient**2 - moment[1])
                parameter[...] -= (rate * moment[0] / (np.sqrt(moment[1]) + _TINY)).astype(np.float32)
