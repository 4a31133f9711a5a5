"""Optimisers, learning-rate schedules, and the fused Adam."""

import keras
import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.training.optimizers import FusedAdam, FusedAdamW, make_learning_rate, make_optimizer


def test_cosine_schedule_warms_up_and_ends_at_a_hundredth():
    rate = make_learning_rate(md.Recipe(schedule="cosine", warmup=0.2), 1e-2, steps=100)
    values = [float(rate(step)) for step in range(101)]
    assert values[0] == 0
    assert values[20] == pytest.approx(1e-2) == max(values)
    assert values[100] == pytest.approx(1e-4)
    assert float(make_learning_rate(md.Recipe(schedule="cosine"), 1e-2, steps=100)(0)) == pytest.approx(1e-2)
    assert make_learning_rate(md.Recipe(), 1e-2, steps=100) == 1e-2


def test_weight_decay_excludes_biases():
    optimizer = make_optimizer(md.Recipe(optimizer="adamw", weight_decay=0.5, learning_rate=1.0), 0.1, steps=1)
    kernel, bias = keras.Variable([2.0], name="kernel"), keras.Variable([2.0], name="bias")
    optimizer.apply([np.zeros(1, np.float32)] * 2, [kernel, bias])
    assert float(bias[0]) == 2
    assert float(kernel[0]) == pytest.approx(2 * (1 - 0.1 * 0.5))
    assert make_optimizer(md.Recipe(optimizer="adamw"), 0.1, steps=1).weight_decay == 0


@pytest.mark.parametrize(
    ("fused", "keras_class", "options"),
    [(FusedAdam, keras.optimizers.Adam, {}), (FusedAdamW, keras.optimizers.AdamW, {"weight_decay": 0.1})],
)
def test_fused_adam_takes_the_same_steps_as_keras(fused, keras_class, options):
    rng, starts, ends = np.random.default_rng(1), np.linspace(-1, 1, 6, dtype=np.float32), []
    gradients = rng.normal(size=(5, 6)).astype(np.float32)
    for optimizer_class in (fused, keras_class):
        variable, optimizer = keras.Variable(starts), optimizer_class(0.01, **options)
        for gradient in gradients:
            optimizer.apply([gradient], [variable])
        ends.append([np.asarray(value) for value in (variable, *optimizer.variables)])
    for actual, expected in zip(*ends, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-7)
    assert np.abs(ends[0][0] - starts).max() > 0.01
