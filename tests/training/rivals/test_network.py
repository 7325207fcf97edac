import numpy as np
import pytest

from training.rivals.network import KERNEL, Autoencoder, fold, unfold


@pytest.mark.parametrize(("length", "stride"), [(60, 2), (15, 2), (30, 1), (7, 2)])
def test_folding_is_the_transpose_of_unfolding(length: int, stride: int) -> None:
    random = np.random.default_rng(1)
    x = random.normal(size=(2, length, 3))
    columns = unfold(x, stride)
    other = random.normal(size=columns.shape)
    assert float((columns * other).sum()) == pytest.approx(float((x * fold(other, length, stride)).sum()))


def test_a_kernel_sees_what_keras_shows_it_with_same_padding() -> None:
    # of six steps at stride 2 the first place needs two zeros before and the last place three after
    x = np.arange(1.0, 7.0).reshape(1, 6, 1)
    assert unfold(x, 2)[0].tolist() == [[0, 0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 6, 0], [3, 4, 5, 6, 0, 0, 0]]
    assert KERNEL == 7


@pytest.mark.parametrize("outputs", [1, 3])
def test_every_gradient_is_that_of_a_difference_quotient(outputs: int) -> None:
    network = Autoencoder(3, outputs, seed=5)
    for layer in network.layers:
        layer.parameters = [each.astype(np.float64) for each in layer.parameters]
    windows = np.random.default_rng(2).normal(size=(4, 12, 3))
    network.slopes(windows, dropout=0)
    wanted = [[gradient.copy() for gradient in layer.gradients] for layer in network.layers]
    for at, layer in enumerate(network.layers):
        for parameter, gradient in zip(layer.parameters, wanted[at], strict=True):
            for place in (0, parameter.size // 2, parameter.size - 1):
                found = _quotient(network, windows, parameter.reshape(-1), place)
                assert found == pytest.approx(float(gradient.reshape(-1)[place]), rel=1e-4, abs=1e-7)


def _quotient(network: Autoencoder, windows: np.ndarray, parameter: np.ndarray, place: int) -> float:
    losses = []
    was, step = parameter[place], 1e-6
    for value in (was - step, was + step):
        parameter[place] = value
        losses.append(network.slopes(windows, dropout=0))
    parameter[place] = was
    return (losses[1] - losses[0]) / (2 * step)


def test_training_learns_to_give_back_what_it_was_shown() -> None:
    time = np.arange(300)[:, None] * 0.2 + np.array([0.0, 1.0])
    rows = np.sin(time).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(rows, 20, axis=0).swapaxes(1, 2)
    network = Autoencoder(2, 2, seed=3)
    network.fit(windows)
    assert float(((network.predict(windows) - windows) ** 2).mean()) < 0.05 * float((windows**2).mean())


def test_the_same_seed_trains_the_same_network() -> None:
    windows = np.random.default_rng(4).normal(size=(80, 12, 2)).astype(np.float32)
    one, two = (Autoencoder(2, 1, seed=9) for _ in range(2))
    assert one.fit(windows) == two.fit(windows)
    assert (one.predict(windows) == two.predict(windows)).all()
