# SPDX-License-Identifier: Apache-2.0
"""Models that the tests of the server process share."""

import pathlib
import subprocess
import sys

import pytest

# With --import-mode=importlib no test folder is on the path.
sys.path.insert(0, str(pathlib.Path(__file__).parent))

MAKER = pathlib.Path(__file__).parents[1] / "models.py"


def _make(folder: pathlib.Path, kind: str, *arguments: str) -> pathlib.Path:
    subprocess.run([sys.executable, str(MAKER), kind, str(folder), *arguments], check=True)
    return folder


@pytest.fixture(scope="session")
def half_plus_two(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A SavedModel: x -> y = x / 2 + 2. Read it only."""
    return _make(tmp_path_factory.mktemp("models") / "half_plus_two", "half_plus_two")


@pytest.fixture(scope="session")
def tripled(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A SavedModel: x -> y = 3 * x. Read it only."""
    return _make(tmp_path_factory.mktemp("models") / "tripled", "scaled", "--factor=3")


@pytest.fixture(scope="session")
def slow(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A SavedModel that takes milliseconds a round: rounds -> y = 512. Read it only."""
    return _make(tmp_path_factory.mktemp("models") / "slow", "slow")
