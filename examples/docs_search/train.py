# SPDX-License-Identifier: Apache-2.0
"""Train a search over Python's own language reference, in seconds and without a download.

    python examples/docs_search/train.py FOLDER --version 2

The articles are `pydoc_data.topics` of the standard library. Both versions take `question`, string
[-1], and give `articles`, string [-1, 5], and `scores`, float [-1, 5], best first; text is cut into
words inside the graph, so whoever asks sends text.

Version 1 compares bags of words, as they are. Version 2 weighs words by how rare they are (tf-idf),
drops those that every question has, knows pairs of words and plurals, and counts an article's title
more than its text.
"""

import argparse
import dataclasses
import os
import pathlib
import sys
from collections.abc import Sequence
from pydoc_data import topics
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")

import tensorflow as tf

TOP = 5
_FILLERS = r"\b(a|an|and|are|be|do|does|for|how|i|in|is|it|my|of|or|out|the|to|what|which|why)\b"


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a version looks at text."""

    # Words are hashed into this many columns.
    buckets: int
    # Pairs of neighbouring words count as words, and plurals as their singulars.
    pairs: bool = False
    # Rare words weigh more, repeated ones less (tf-idf).
    tf_idf: bool = False
    # How many times a title is read.
    title_weight: int = 1


RECIPES = {
    1: Recipe(buckets=1 << 13),
    2: Recipe(buckets=1 << 16, pairs=True, tf_idf=True, title_weight=8),
}


def articles() -> dict[str, tuple[str, str]]:
    """Title and text of every article by its name, sorted by name."""
    found = {}
    for name, text in sorted(topics.topics.items()):
        heading = text.lstrip().split("\n", 1)[0]
        found[name] = (f"{name.replace('-', ' ')} {heading}", text)
    return found


def _tf_idf(counts: Any) -> Any:
    """Weights of words in articles, [articles, buckets], from their counts."""
    total = tf.cast(tf.shape(counts)[0], tf.float32)
    seen_in = tf.reduce_sum(tf.cast(counts > 0, tf.float32), axis=0)
    rarity = tf.math.log((1 + total) / (1 + seen_in))
    repeated = tf.where(counts > 0, 1 + tf.math.log(tf.maximum(counts, 1)), 0)
    # A word's rarity counts twice: for what the article is about, and for what the question is
    # about.
    return tf.linalg.l2_normalize(repeated * rarity, axis=1) * rarity


class DocsSearch(tf.Module):  # type: ignore[misc]
    """Similarity between a question and every article, as one product of sparse and dense.

    `weights` is [buckets, articles]: what a word of the question says for each article.
    """

    def __init__(self, recipe: Recipe, documents: dict[str, tuple[str, str]]) -> None:
        super().__init__()
        self._recipe = recipe
        counts = self._count([text for _, text in documents.values()])
        counts += recipe.title_weight * self._count([title for title, _ in documents.values()])
        vectors = _tf_idf(counts) if recipe.tf_idf else tf.linalg.l2_normalize(counts, axis=1)
        self.weights = tf.Variable(tf.transpose(vectors), trainable=False, name="weights")
        self.names = tf.constant(list(documents), name="names")

    def _words(self, texts: Any) -> Any:
        """The columns of each text's words: int64 [texts, (words)]."""
        plain = tf.strings.regex_replace(tf.strings.lower(texts), r"[^a-z0-9_]+", " ")
        if self._recipe.pairs:
            plain = tf.strings.regex_replace(plain, r"\b([a-z]{3,}[^s ])s\b", r"\1")
            plain = tf.strings.regex_replace(plain, _FILLERS, " ")
        words = tf.strings.split(plain)
        if self._recipe.pairs:
            words = tf.concat([words, tf.strings.ngrams(words, 2, separator=" ")], axis=1)
        return tf.strings.to_hash_bucket_fast(words, self._recipe.buckets)

    def _count(self, texts: Sequence[str]) -> Any:
        """How often each word stands in each text: float [texts, buckets]."""
        words = self._words(tf.constant(list(texts)))
        cells = words.value_rowids() * self._recipe.buckets + words.values
        counts = tf.math.bincount(
            tf.cast(cells, tf.int32), minlength=len(texts) * self._recipe.buckets, dtype=tf.float32
        )
        return tf.reshape(counts, [len(texts), self._recipe.buckets])

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="question")])  # type: ignore[untyped-decorator]
    def search(self, question: Any) -> dict[str, Any]:
        """The best articles for each question."""
        words = self._words(question)
        rows, total = words.value_rowids(), tf.shape(question, tf.int64)[0]
        found = tf.gather(self.weights, words.values)
        similarity = tf.math.unsorted_segment_sum(found, rows, total)
        length = tf.sqrt(tf.cast(words.row_lengths(), tf.float32))[:, tf.newaxis]
        similarity = tf.math.divide_no_nan(similarity, length)
        scores, best = tf.math.top_k(similarity, TOP)
        return {"articles": tf.gather(self.names, best), "scores": scores}


def export(folder: str | os.PathLike[str], version: int) -> pathlib.Path:
    """Train version 1 or 2 and write it as a SavedModel into `folder`. Returns the folder."""
    model = DocsSearch(RECIPES[version], articles())
    path = pathlib.Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    tf.saved_model.save(model, str(path), signatures={"serving_default": model.search})
    return path


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit code."""
    parser = argparse.ArgumentParser(description="Train the docs search and write a SavedModel.")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--version", type=int, choices=sorted(RECIPES), default=2)
    parsed = parser.parse_args(arguments)
    export(parsed.folder, parsed.version)
    print(f"wrote version {parsed.version} of docs_search to {parsed.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
