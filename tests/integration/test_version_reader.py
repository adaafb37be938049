# SPDX-License-Identifier: Apache-2.0
"""The files of a version in Python, as the server reads them."""

import pathlib

from tfserving_remote import _native, publish


def test_reads_the_files_of_a_published_version(
    models: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    publish(models / "half_plus_two", str(tmp_path / "m"), version=3)
    reader = _native.VersionReader(
        str(tmp_path / "m/3"), manifest=_native.ManifestMode.REQUIRED, connections=2
    )
    files = dict(reader.files())
    graph = (models / "half_plus_two/saved_model.pb").read_bytes()
    assert files["saved_model.pb"] == len(graph)
    assert reader.read("saved_model.pb") == graph
    assert reader.read("saved_model.pb", 5, 7) == graph[5:12]
