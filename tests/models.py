# SPDX-License-Identifier: Apache-2.0
"""SavedModels for tests, made with TensorFlow in a moment.

Every function writes one version into `folder`, which it makes, and returns it. From a shell:
`python tests/models.py half_plus_two /models/half_plus_two/1`.
"""

import argparse
import pathlib
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf


def _save(module: tf.Module, folder: pathlib.Path, signatures: Mapping[str, Any]) -> pathlib.Path:
    folder.mkdir(parents=True, exist_ok=True)
    tf.saved_model.save(module, str(folder), signatures=dict(signatures))
    return folder


class _Linear(tf.Module):  # type: ignore[misc]
    """y = a * x + b."""

    def __init__(self, a: float, b: float) -> None:
        super().__init__()
        self.a = tf.Variable(a, dtype=tf.float32, name="a")
        self.b = tf.Variable(b, dtype=tf.float32, name="b")

    @tf.function(input_signature=[tf.TensorSpec([None, 1], tf.float32, name="x")])  # type: ignore[untyped-decorator]
    def predict(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": self.a * x + self.b}


def linear(folder: pathlib.Path, a: float, b: float) -> pathlib.Path:
    """serving_default: x float [-1, 1] -> y = a * x + b, float [-1, 1]."""
    module = _Linear(a, b)
    return _save(module, folder, {"serving_default": module.predict})


def half_plus_two(folder: pathlib.Path) -> pathlib.Path:
    """serving_default: x float [-1, 1] -> y = x / 2 + 2."""
    return linear(folder, 0.5, 2.0)


def scaled(folder: pathlib.Path, factor: float) -> pathlib.Path:
    """serving_default: x float [-1, 1] -> y = factor * x. One factor a version tells versions
    apart.
    """
    return linear(folder, factor, 0.0)


class _Big(tf.Module):  # type: ignore[misc]
    """Variables of random bytes; the answer reads a slice of each."""

    def __init__(self, total_bytes: int, variables: int, seed: int) -> None:
        super().__init__()
        random = np.random.default_rng(seed)
        length = max(1, total_bytes // (4 * variables))
        # 24 random bits as a float in [0, 1): exact, and as fast to make as the generator is.
        self.parts = [
            tf.Variable(random.random(length, dtype=np.float32), name=f"part_{i}")
            for i in range(variables)
        ]

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])  # type: ignore[untyped-decorator]
    def predict(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        total = tf.add_n([tf.reduce_sum(part[:4]) + part[-1] for part in self.parts])
        return {"y": x + total}


def big(folder: pathlib.Path, total_bytes: int, variables: int = 4, seed: int = 0) -> pathlib.Path:
    """serving_default: x float [-1] -> y = x + the sum of the first four and the last value of
    every variable.

    `total_bytes` of random float32 in `variables` variables of equal size. `big_sum` says what is
    added.
    """
    module = _Big(total_bytes, variables, seed)
    return _save(module, folder, {"serving_default": module.predict})


def big_sum(total_bytes: int, variables: int = 4, seed: int = 0) -> float:
    """What the model that `big` writes for the same arguments adds to x."""
    random = np.random.default_rng(seed)
    length = max(1, total_bytes // (4 * variables))
    parts = [random.random(length, dtype=np.float32) for _ in range(variables)]
    return float(sum(part[:4].sum(dtype=np.float32) + part[-1] for part in parts))


class _Shout(tf.Module):  # type: ignore[misc]
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])  # type: ignore[untyped-decorator]
    def predict(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        return {
            "shout": tf.strings.join([tf.strings.upper(text, encoding="utf-8"), "!"]),
            "length": tf.strings.length(text),
        }


def shout(folder: pathlib.Path) -> pathlib.Path:
    """serving_default: text string [-1] -> shout (upper case and "!") string [-1], length (bytes)
    int32 [-1].
    """
    module = _Shout()
    return _save(module, folder, {"serving_default": module.predict})


class _Slow(tf.Module):  # type: ignore[misc]
    @tf.function(input_signature=[tf.TensorSpec([], tf.int32, name="rounds")])  # type: ignore[untyped-decorator]
    def predict(self, rounds: tf.Tensor) -> dict[str, tf.Tensor]:
        matrix = tf.fill([512, 512], 1.0 / 512)
        for _ in tf.range(rounds):
            matrix = tf.linalg.matmul(matrix, matrix)
        return {"y": tf.reduce_sum(matrix)}


def slow(folder: pathlib.Path) -> pathlib.Path:
    """serving_default: rounds int32 [] -> y = 512, after `rounds` products of 512 x 512 matrices.

    Several milliseconds a round on one core, and the loop can be cancelled between two rounds.
    """
    module = _Slow()
    return _save(module, folder, {"serving_default": module.predict})


MAKERS = {"half_plus_two": half_plus_two, "shout": shout, "slow": slow}


def main() -> int:
    parser = argparse.ArgumentParser(description="Write one SavedModel.")
    parser.add_argument("kind", choices=[*MAKERS, "scaled", "big"])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--factor", type=float, default=3.0, help="for scaled")
    parser.add_argument("--bytes", type=int, default=64 << 20, help="for big")
    parser.add_argument("--variables", type=int, default=4, help="for big")
    arguments = parser.parse_args()
    if arguments.kind == "scaled":
        scaled(arguments.folder, arguments.factor)
    elif arguments.kind == "big":
        big(arguments.folder, arguments.bytes, arguments.variables)
    else:
        MAKERS[arguments.kind](arguments.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
