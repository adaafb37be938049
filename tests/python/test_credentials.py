# SPDX-License-Identifier: Apache-2.0
"""`python -m tfserving_remote.credentials`: the vendors' chains, in the form of
credential_process.
"""

import datetime
import json
import os
import pathlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

_SECRET = "secret-of-the-test"


class _Endpoint(BaseHTTPRequestHandler):
    """A container's credentials endpoint and Google's token endpoint."""

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        self._answer(
            {
                "AccessKeyId": "AKIACONTAINER",
                "SecretAccessKey": _SECRET,
                "Token": "token-of-the-test",
                "Expiration": "2126-11-23T03:00:00Z",
            }
        )

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer({"access_token": _SECRET, "expires_in": 3600, "token_type": "Bearer"})


@pytest.fixture
def endpoint() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Endpoint) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture
def bare(tmp_path: pathlib.Path) -> dict[str, str]:
    """An environment without credentials."""
    keep = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    return {
        **keep,
        "HOME": str(tmp_path),
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_GCE_CHECK": "true",
    }


def _run(kind: str, environment: dict[str, str]) -> tuple[int, dict[str, Any]]:
    command = [sys.executable, "-m", "tfserving_remote.credentials", kind]
    result = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert _SECRET not in result.stderr
    assert "Traceback" not in result.stderr
    answer: dict[str, Any] = json.loads(result.stdout)
    assert answer["Version"] == 1
    return result.returncode, answer


def test_static_keys_of_the_environment(bare: dict[str, str]) -> None:
    environment = {
        **bare,
        "AWS_ACCESS_KEY_ID": "AKIAENV",
        "AWS_SECRET_ACCESS_KEY": _SECRET,
        "AWS_DEFAULT_REGION": "eu-central-1",
    }
    assert _run("aws", environment) == (
        0,
        {
            "Version": 1,
            "AccessKeyId": "AKIAENV",
            "SecretAccessKey": _SECRET,
            "Region": "eu-central-1",
        },
    )


def test_a_profile(bare: dict[str, str], tmp_path: pathlib.Path) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text(
        "[profile team]\nregion=us-west-2\naws_access_key_id=AKIAPROFILE\n"
        f"aws_secret_access_key={_SECRET}\n"
    )
    code, answer = _run("aws", {**bare, "AWS_PROFILE": "team"})
    assert (code, answer["AccessKeyId"], answer["Region"]) == (0, "AKIAPROFILE", "us-west-2")
    code, answer = _run("aws", {**bare, "AWS_PROFILE": "nobody"})
    assert code == 1
    assert "check AWS_PROFILE" in answer["Error"]


def test_a_containers_credentials_expire(bare: dict[str, str], endpoint: str) -> None:
    code, answer = _run("aws", {**bare, "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{endpoint}/role"})
    assert code == 0
    assert answer["AccessKeyId"] == "AKIACONTAINER"
    assert answer["SessionToken"] == "token-of-the-test"
    assert answer["Expiration"] == "2126-11-23T03:00:00Z"


def test_no_aws_credentials_say_what_to_do(bare: dict[str, str]) -> None:
    code, answer = _run("aws", bare)
    assert code == 1
    assert "set AWS_PROFILE" in answer["Error"]


def test_a_google_service_account(
    bare: dict[str, str], endpoint: str, tmp_path: pathlib.Path
) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    account = {
        "type": "service_account",
        "client_email": "test@example.com",
        "token_uri": f"{endpoint}/token",
        "private_key": key.decode(),
        "private_key_id": "1",
        "project_id": "test",
    }
    (tmp_path / "account.json").write_text(json.dumps(account))
    environment = {**bare, "GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / "account.json")}
    code, answer = _run("gcs", environment)
    assert (code, answer["AccessToken"]) == (0, _SECRET)
    end = datetime.datetime.strptime(answer["Expiration"], "%Y-%m-%dT%H:%M:%SZ")
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    assert datetime.timedelta(minutes=50) < end - now < datetime.timedelta(minutes=61)


def test_no_google_credentials_say_what_to_do(bare: dict[str, str], tmp_path: pathlib.Path) -> None:
    code, answer = _run("gcs", bare)
    assert code == 1
    assert "gcloud auth application-default login" in answer["Error"]
    (tmp_path / "broken.json").write_text("{}")
    environment = {**bare, "GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / "broken.json")}
    code, answer = _run("gcs", environment)
    assert code == 1
    assert answer["Error"]


def test_wrong_usage_says_so(bare: dict[str, str]) -> None:
    command = [sys.executable, "-m", "tfserving_remote.credentials", "azure"]
    result = subprocess.run(command, env=bare, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "aws|gcs" in result.stderr
