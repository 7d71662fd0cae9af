"""The network of the three clusters: saturation, and the article's draws and first number."""

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from scratch import clusters
from scratch.clusters import Clusters
from tests.scratch import oracle
from tests.scratch.oracle import FUNCTION, Bounded, mp
from tests.scratch.textbook import zeros


@pytest.mark.parametrize("label", [0, 1, 2])
@pytest.mark.parametrize("logit", [-1000, -40, 40, 1000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_saturated_outputs_lose_no_digits(dtype: type, logit: int, label: int) -> None:
    parameters = zeros(Clusters, dtype)
    parameters["dense_2/bias"][1] = logit
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        _, loss, gradients = Clusters(parameters).evaluate([[1, 1]], np.eye(3)[[label]])
    odds = [mp.mpf(1), mp.exp(logit), mp.mpf(1)]
    for unit, gradient in enumerate(gradients["dense_2/bias"]):
        others = sum(odds) - odds[unit]
        exact = (-others if unit == label else odds[unit]) / sum(odds)
        # Roundings: exp in numerator and denominator, two sums, a division, the sum of the others.
        assert oracle.close(gradient, exact, 2 * FUNCTION + 4)
    # The loss is absolute to 1, as its logarithm is that of a sum near 1.
    exact = mp.log(sum(odds) / odds[label])
    allowed = Bounded(1 + np.abs(exact), 2 * FUNCTION + 4).error(dtype)
    assert abs(mp.mpf(float(loss)) - exact) <= allowed


def test_weights_are_drawn_in_the_order_of_the_article() -> None:
    drawn = np.random.RandomState(5).standard_normal(25)
    parameters = clusters.initial_parameters(np.random.RandomState(5))
    np.testing.assert_array_equal(parameters["dense_1/kernel"].ravel(), drawn[:10])
    np.testing.assert_array_equal(parameters["dense_2/kernel"].ravel(), drawn[10:])
    assert not parameters["dense_1/bias"].any()
    assert not parameters["dense_2/bias"].any()


def test_the_first_published_number() -> None:
    stream = np.random.RandomState(clusters.SEED)
    clouds = [
        stream.multivariate_normal((0, 0), ((2, 0.75), (0.75, 2)), 5000),
        stream.multivariate_normal((1, 4), ((1, 0.75), (0.75, 1)), 5000),
    ]
    with pytest.warns(RuntimeWarning, match="not symmetric positive-semidefinite"):
        clouds.append(stream.multivariate_normal((2, 8), ((0, 0.75), (0.75, 0)), 5000))
    points = np.concatenate(clouds).astype(np.float32)
    one_hot = np.eye(3)[np.repeat([0, 1, 2], 5000)]
    inputs, _, targets, _ = train_test_split(points, one_hot, test_size=0.1, random_state=12)
    for _ in range(3):
        parameters = clusters.initial_parameters(stream)
    # The article's linear algebra factored the third covariance with other roundings: its digits
    # are determined to 8.
    assert f"{Clusters(parameters).loss(inputs, targets):.8g}" == f"{2.97031571897:.8g}"
