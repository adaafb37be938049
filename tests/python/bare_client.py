# SPDX-License-Identifier: Apache-2.0
"""Run by test_client.py in an environment without TensorFlow, with the address of its server."""

import importlib.util
import sys

import numpy as np
from tfserving_remote import Client, MissingDependency, ModelNotFound

for absent in ("tensorflow", "tensorflow_serving", "ml_dtypes"):
    assert importlib.util.find_spec(absent) is None, absent
with Client(sys.argv[1]) as client:
    client.wait_until_ready("echo", timeout=20)
    answer = client.predict("echo", {"x": np.eye(3), "s": ["a"]})
    assert (answer["x"] == np.eye(3)).all()
    assert answer["s"].tolist() == [b"a"]
    assert client.metadata("echo").signatures["serving_default"].inputs["x"].dtype == "DT_FLOAT"
    try:
        client.predict("echo", {}, version=8)
    except ModelNotFound as error:
        assert "versions served: 3, 1" in str(error)
    else:
        raise AssertionError("version 8 was found")
    try:
        client.predict("bfloat16", {})
    except MissingDependency as error:
        assert "pip install ml_dtypes" in str(error)
    else:
        raise AssertionError("bfloat16 was read without ml_dtypes")
print("ok")
