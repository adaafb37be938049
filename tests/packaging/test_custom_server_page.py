# SPDX-License-Identifier: Apache-2.0
"""docs/custom-server.md shows code that exists: every piece is part of the file that it names."""

import pathlib
import re
import textwrap

import pytest

ROOT = pathlib.Path(__file__).parents[2]
PAGE = (ROOT / "docs/custom-server.md").read_text("utf-8")
BLOCK = re.compile(r"^(?:<!-- from: (\S+) -->\n)?```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [(file, language, text) for file, language, text in BLOCK.findall(PAGE)]


def plain(text: str) -> str:
    """Without the marks of a comment and the indentation that all lines share."""
    return textwrap.dedent(re.sub(r"^\s*///", "", text, flags=re.MULTILINE)).strip()


def test_every_piece_of_code_names_its_file() -> None:
    assert len(BLOCKS) == PAGE.count("\n```") / 2
    assert [text for file, language, text in BLOCKS if not file and language != "sh"] == []


@pytest.mark.parametrize(("file", "text"), [(file, text) for file, _, text in BLOCKS if file])
def test_the_file_has_it_word_for_word(file: str, text: str) -> None:
    indented = [line.strip() for line in plain(text).splitlines()]
    have = [line.strip() for line in plain((ROOT / file).read_text("utf-8")).splitlines()]
    starts = [i for i, line in enumerate(have) if line == indented[0]]
    assert any(have[i : i + len(indented)] == indented for i in starts), f"{file} has it otherwise"


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)", BLOCK.sub("", PAGE)):
        assert (ROOT / "docs" / target).exists(), target
