"""waico/SKAB's best published method, decided when it can be: a convolutional autoencoder, one trained per recording.

As published, a row is called when *all* windows that hold it are badly reconstructed, which looks most of a minute
into the future. Here a row's score is the error of the window that ends with it.
"""

from collections import OrderedDict
from typing import Final, Literal

import numpy as np

from training.rivals.network import Autoencoder, Tensor
from training.rivals.port import Family, decisions
from training.rivals.scene import Floats, Scene, standardised

WINDOW: Final = 60
_SPANS = (1, 5, 15)
_FACTORS = tuple(round(0.6 * 1.22**step, 3) for step in range(12))
_SEED: Final = 0
_AT_ONCE: Final = 512
_KEPT: Final = 2
_LATEST: Final = 8

Look = Literal["window", "latest", "channel"]


class Networks:
    """The latest that were trained; several variants look at the same one's errors."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[bytes, bool], Autoencoder] = OrderedDict()

    def errors(self, scene: Scene, *, one_output: bool) -> Floats:
        """Absolute errors of every window of a scene, windows by steps by channels."""
        windows = _windows(standardised(scene))
        network = self._trained(windows[: scene.calibration - WINDOW + 1], one_output=one_output)
        parts = [windows[first : first + _AT_ONCE] for first in range(0, len(windows), _AT_ONCE)]
        return np.concatenate([np.abs(network.predict(part) - part) for part in parts]).astype(np.float64)

    def _trained(self, normal: Tensor, *, one_output: bool) -> Autoencoder:
        key = (normal.tobytes(), one_output)
        if key not in self._kept:
            channels = normal.shape[2]
            self._kept[key] = Autoencoder(channels, 1 if one_output else channels, seed=_SEED)
            self._kept[key].fit(normal)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return self._kept[key]


class ConvAutoencoder:
    """One variant.

    Args:
        look: At the whole window's error as published, at that of its latest 8 rows, or at the worst channel's.
        one_output: One output channel compared with all, as published, or one each.
        networks: Shared by the variants.
    """

    def __init__(self, look: Look, *, one_output: bool, networks: Networks) -> None:
        self._look, self._one_output, self._networks = look, one_output, networks
        self.label = f"conv-ae {'1 output' if one_output else 'C outputs'} {look}"

    def scores(self, scene: Scene) -> Floats:
        """NaN until there is a window."""
        found = self._networks.errors(scene, one_output=self._one_output)
        if self._look == "latest":
            by_window = found[:, -_LATEST:].mean(axis=1).sum(axis=1)
        elif self._look == "window":
            by_window = found.mean(axis=1).sum(axis=1)
        else:
            channels = found.mean(axis=1)
            usual = np.median(channels[: scene.calibration - WINDOW + 1], axis=0)
            by_window = (channels / np.maximum(usual, 1e-6)).max(axis=1)
        return np.concatenate([np.full(WINDOW - 1, np.nan), by_window])


def _windows(rows: Floats) -> Tensor:
    made: Tensor = np.lib.stride_tricks.sliding_window_view(rows.astype(np.float32), WINDOW, axis=0).swapaxes(1, 2)
    return made


def family() -> Family:
    """Two networks, three looks at their errors."""
    looks: tuple[Look, ...] = ("window", "latest", "channel")
    shared = Networks()
    variants = tuple(ConvAutoencoder(look, one_output=one, networks=shared) for one in (True, False) for look in looks)
    return Family("Conv-AE, causal", variants, decisions(_SPANS, _FACTORS, (0.7, 1.0)))
