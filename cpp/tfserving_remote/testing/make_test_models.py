# SPDX-License-Identifier: Apache-2.0
"""Write the SavedModels that C++ tests load.

Usage: make_test_models.py <folder of tests/models.py> <folder to write into>

half_plus_two/1   x float [-1, 1] -> y = x / 2 + 2
many_variables/1  x int64 [-1] -> y = x + the sum of every number of every variable, exact; 40 MB in
                  variables of 40 bytes, 400 kB and 6 MB, so that reads of every size occur
vocabulary/1      word string [-1] -> number int64 [-1]: a lookup table whose asset is read at load
"""

import importlib
import pathlib
import sys
import tempfile

import numpy as np
import tensorflow as tf


class ManyVariables(tf.Module):
    """Random integers in small, middling and large variables."""

    def __init__(self) -> None:
        super().__init__()
        random = np.random.default_rng(7)
        lengths = [10] * 100 + [100_000] * 40 + [1_500_000] * 4
        random.shuffle(lengths)
        self.parts = [
            tf.Variable(random.integers(-1000, 1000, length, dtype=np.int32), name=f"part_{i:03}")
            for i, length in enumerate(lengths)
        ]

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, name="x")])
    def predict(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        sums = [tf.reduce_sum(tf.cast(part, tf.int64)) for part in self.parts]
        return {"y": x + tf.add_n(sums)}


class Vocabulary(tf.Module):
    """Numbers of words, from a file."""

    def __init__(self, words: pathlib.Path) -> None:
        super().__init__()
        initializer = tf.lookup.TextFileInitializer(
            str(words),
            tf.string,
            tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64,
            tf.lookup.TextFileIndex.LINE_NUMBER,
        )
        self.table = tf.lookup.StaticHashTable(initializer, default_value=-1)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="word")])
    def predict(self, word: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"number": self.table.lookup(word)}


def save(module: tf.Module, folder: pathlib.Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.predict})


def main() -> int:
    models_folder, into = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    sys.path.insert(0, str(models_folder))
    models = importlib.import_module("models")
    models.half_plus_two(into / "half_plus_two" / "1")
    save(ManyVariables(), into / "many_variables" / "1")
    with tempfile.TemporaryDirectory() as scratch:
        words = pathlib.Path(scratch) / "words.txt"
        words.write_text("zero\none\ntwo\n")
        save(Vocabulary(words), into / "vocabulary" / "1")
    return 0


if __name__ == "__main__":
    sys.exit(main())
