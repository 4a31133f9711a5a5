"""Optimisers and their learning rates."""

import keras
import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.training.fused import OnePassAdam, OnePassAdamW
from melanoma_detect.training.optimizers import optimizer_of, rate_of


def test_a_cosine_warms_up_and_falls_to_a_hundredth():
    rate = rate_of(md.Recipe(schedule="cosine", warmup=0.2), 1e-2, steps=100)
    values = [float(rate(step)) for step in range(101)]
    assert values[0] == 0
    assert values[20] == pytest.approx(1e-2) == max(values)
    assert values[100] == pytest.approx(1e-4)
    assert float(rate_of(md.Recipe(schedule="cosine"), 1e-2, steps=100)(0)) == pytest.approx(1e-2)
    assert rate_of(md.Recipe(), 1e-2, steps=100) == 1e-2


def test_weight_decay_spares_biases():
    optimizer = optimizer_of(md.Recipe(optimizer="adamw", weight_decay=0.5, learning_rate=1.0), 0.1, steps=1)
    kernel, bias = keras.Variable([2.0], name="kernel"), keras.Variable([2.0], name="bias")
    optimizer.apply([np.zeros(1, np.float32)] * 2, [kernel, bias])
    assert float(bias[0]) == 2
    assert float(kernel[0]) == pytest.approx(2 * (1 - 0.1 * 0.5))
    assert optimizer_of(md.Recipe(optimizer="adamw"), 0.1, steps=1).weight_decay == 0


@pytest.mark.parametrize(
    ("ours", "theirs", "options"),
    [(OnePassAdam, keras.optimizers.Adam, {}), (OnePassAdamW, keras.optimizers.AdamW, {"weight_decay": 0.1})],
)
def test_one_pass_takes_keras_steps(ours, theirs, options):
    rng, starts, ends = np.random.default_rng(1), np.linspace(-1, 1, 6, dtype=np.float32), []
    gradients = rng.normal(size=(5, 6)).astype(np.float32)
    for kind in (ours, theirs):
        variable, optimizer = keras.Variable(starts), kind(0.01, **options)
        for gradient in gradients:
            optimizer.apply([gradient], [variable])
        ends.append([np.asarray(value) for value in (variable, *optimizer.variables)])
    for mine, expected in zip(*ends, strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-5, atol=1e-7)
    assert np.abs(ends[0][0] - starts).max() > 0.01
