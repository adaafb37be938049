# SPDX-License-Identifier: Apache-2.0
"""TLS in the process that serves: gRPC in, the store out, with TensorFlow's BoringSSL in the same
memory.
"""

import http.server
import pathlib
import ssl
import threading
from collections.abc import Iterator

import numpy as np
import pytest
import tfserving_remote
from certificates import Authority
from fault_proxy import FaultProxy, _handler
from model_server import serving
from stores import S3Store
from tfserving_remote import publish

X = np.array([[1.0]], np.float32)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def tls_endpoint(moto: str, authority: Authority) -> Iterator[str]:
    """moto behind TLS."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(FaultProxy(moto)))
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("localhost"))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://localhost:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_serves_over_tls_out_of_a_store_over_tls(
    s3: S3Store,
    tls_endpoint: str,
    authority: Authority,
    models: pathlib.Path,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for key, value in s3.environment.items():
        monkeypatch.setenv(key, value)
    publish(models / "scaled_2", s3.url("m"))
    certificate, key_file = authority.issue("localhost")
    config = tmp_path / "ssl.config"
    config.write_text(
        f"server_key: {key_file.read_text('ascii')!r}\n"
        f"server_cert: {certificate.read_text('ascii')!r}\n"
        f"custom_ca: {authority.certificate.read_text('ascii')!r}\nclient_verify: true\n",
        "ascii",
    )
    environment = {
        **s3.environment,
        "AWS_ENDPOINT_URL_S3": tls_endpoint,
        "AWS_CA_BUNDLE": str(authority.certificate),
    }
    with serving(
        "--model_name=m",
        f"--model_base_path={s3.url('m')}",
        f"--ssl_config_file={config}",
        environment=environment,
    ) as server:
        server.wait_for_line("model m version 1: available")
        client_certificate, client_key = authority.issue("client")
        tls = tfserving_remote.Tls(
            ca=authority.certificate.read_bytes(),
            certificate=client_certificate.read_bytes(),
            key=client_key.read_bytes(),
        )
        with tfserving_remote.Client(f"localhost:{server.port}", tls=tls) as client:
            assert client.predict("m", {"x": X})["y"][0, 0] == 2.0
        # A new version over TLS after the process has served: both copies have been used.
        publish(models / "scaled_3", s3.url("m"))
        server.wait_for_line("model m version 2: available")
        without_client_certificate = tfserving_remote.Tls(ca=authority.certificate.read_bytes())
        with (
            tfserving_remote.Client(
                f"localhost:{server.port}", tls=without_client_certificate, timeout=5
            ) as client,
            pytest.raises(tfserving_remote.Unavailable),
        ):
            client.predict("m", {"x": X})


def test_an_untrusted_store_is_told(s3: S3Store, tls_endpoint: str, models: pathlib.Path) -> None:
    environment = {**s3.environment, "AWS_ENDPOINT_URL_S3": tls_endpoint}
    with serving(
        "--model_name=m", f"--model_base_path={s3.url('m')}", environment=environment
    ) as server:
        assert "certificate" in server.wait_for_line("certificate")
