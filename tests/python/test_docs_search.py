# SPDX-License-Identifier: Apache-2.0
"""examples/docs_search: both versions answer, and the second one better."""

import importlib.util
import pathlib
import sys
from typing import Any

import pytest
import tensorflow as tf

_QUESTIONS = {
    "how do I write an anonymous function": "lambda",
    "what does a with statement do": "with",
    "which operators bind tighter": "operator-summary",
    "how to format a string": "formatstrings",
    "what is a generator": "yield",
    "break out of a loop": "break",
    "how do I import a module": "import",
    "global variables": "global",
    "how do I define a class": "class",
    "remove an item from a list": "typesseq-mutable",
    "step through my program": "debugger",
}


@pytest.fixture(scope="module")
def train() -> Any:
    path = pathlib.Path(__file__).parents[2] / "examples" / "docs_search" / "train.py"
    spec = importlib.util.spec_from_file_location("docs_search_train", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _ask(folder: pathlib.Path) -> tuple[list[str], Any]:
    answer = tf.saved_model.load(str(folder)).signatures["serving_default"](
        question=tf.constant(list(_QUESTIONS))
    )
    assert answer["articles"].shape == answer["scores"].shape == (len(_QUESTIONS), 5)
    return [row[0].decode() for row in answer["articles"].numpy()], answer["scores"].numpy()


def test_the_second_version_finds_more(train: Any, tmp_path: pathlib.Path) -> None:
    right = {}
    for version in (1, 2):
        first, scores = _ask(train.export(tmp_path / str(version), version))
        assert (scores[:, :-1] >= scores[:, 1:]).all()
        right[version] = sum(a == b for a, b in zip(first, _QUESTIONS.values(), strict=True))
    assert right[2] > right[1]
    assert right[2] >= len(_QUESTIONS) // 2


def test_training_is_deterministic(train: Any, tmp_path: pathlib.Path) -> None:
    answers = [_ask(train.export(tmp_path / name, 1)) for name in ("a", "b")]
    assert answers[0][0] == answers[1][0]
    assert (answers[0][1] == answers[1][1]).all()


def test_the_command_writes_a_model(
    train: Any, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train.main([str(tmp_path / "1"), "--version", "1"]) == 0
    assert (tmp_path / "1" / "saved_model.pb").exists()
    assert "wrote version 1" in capsys.readouterr().out
