# SPDX-License-Identifier: Apache-2.0
"""tests/models.py: its models do what their makers say."""

import pathlib

import models
import numpy as np
import pytest
import tensorflow as tf


def _run(folder: pathlib.Path, **inputs: tf.Tensor) -> dict[str, np.ndarray]:
    outputs = tf.saved_model.load(str(folder)).signatures["serving_default"](**inputs)
    return {name: value.numpy() for name, value in outputs.items()}


def test_linear_models(tmp_path: pathlib.Path) -> None:
    x = tf.constant([[1.0], [2.0]])
    assert _run(models.half_plus_two(tmp_path / "a"), x=x)["y"].tolist() == [[2.5], [3.0]]
    assert _run(models.scaled(tmp_path / "b", 7), x=x)["y"].tolist() == [[7.0], [14.0]]


def test_the_big_model_is_as_large_as_asked(tmp_path: pathlib.Path) -> None:
    folder = models.big(tmp_path / "big", 3_000_000, variables=3, seed=5)
    size = sum(f.stat().st_size for f in (folder / "variables").iterdir())
    assert 3_000_000 <= size < 3_010_000
    y = _run(folder, x=tf.constant([1.0]))["y"]
    assert y[0] == pytest.approx(1 + models.big_sum(3_000_000, 3, 5), rel=1e-5)


def test_strings_and_slowness(tmp_path: pathlib.Path) -> None:
    said = _run(models.shout(tmp_path / "shout"), text=tf.constant(["hi", "ü"]))
    assert [s.decode() for s in said["shout"]] == ["HI!", "Ü!"]
    assert said["length"].tolist() == [2, 2]
    slow = _run(models.slow(tmp_path / "slow"), rounds=tf.constant(3))
    assert slow["y"] == pytest.approx(512, rel=1e-4)
