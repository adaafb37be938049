# SPDX-License-Identifier: Apache-2.0
"""The gRPC transport under TLS, with certificates that live as long as the test."""

import pathlib
import socket
import ssl
import warnings
from collections.abc import Callable

import grpc
import pytest
from certificates import Authority
from echo_process import UNLIMITED, Echo, EchoServer

StartServer = Callable[..., EchoServer]


@pytest.fixture
def authority(tmp_path: pathlib.Path) -> Authority:
    return Authority(tmp_path)


def secure(
    server: EchoServer, authority: Authority, client: tuple[pathlib.Path, pathlib.Path] | None
) -> grpc.Channel:
    credentials = grpc.ssl_channel_credentials(
        authority.certificate.read_bytes(),
        client[1].read_bytes() if client else None,
        client[0].read_bytes() if client else None,
    )
    return grpc.secure_channel(server.address, credentials, options=UNLIMITED)


def test_calls_go_through_tls(start: StartServer, authority: Authority) -> None:
    certificate, key = authority.issue("localhost")
    server = start(cert=certificate, key=key, threads=2)
    with secure(server, authority, None) as channel:
        echo = Echo(channel)
        assert echo.call("Unary", b"secret") == b"secret"
        big = b"0123456789abcdef" * (64 << 16)
        assert echo.call("Unary", big) == big
        assert sum(len(message) for message in echo.stream(500, 20_000)) == 10_000_000
    assert server.stop() == 0


def test_a_client_certificate_is_demanded(start: StartServer, authority: Authority) -> None:
    certificate, key = authority.issue("localhost")
    server = start(cert=certificate, key=key, client_ca=authority.certificate)
    with secure(server, authority, authority.issue("client")) as channel:
        assert Echo(channel).call("Unary", b"known") == b"known"
    with secure(server, authority, None) as channel:
        assert Echo(channel).error("Unary").code() is grpc.StatusCode.UNAVAILABLE


def test_a_strangers_certificate_is_refused(
    start: StartServer, authority: Authority, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "stranger").mkdir()
    stranger = Authority(tmp_path / "stranger")
    certificate, key = authority.issue("localhost")
    server = start(cert=certificate, key=key, client_ca=authority.certificate)
    with secure(server, authority, stranger.issue("client")) as channel:
        assert Echo(channel).error("Unary").code() is grpc.StatusCode.UNAVAILABLE


def handshake(server: EchoServer, authority: Authority, context: ssl.SSLContext) -> ssl.SSLSocket:
    context.load_verify_locations(authority.certificate)
    raw = socket.create_connection(("127.0.0.1", server.port))
    return context.wrap_socket(raw, server_hostname="localhost")


def test_old_protocols_and_other_applications_are_refused(
    start: StartServer, authority: Authority
) -> None:
    certificate, key = authority.issue("localhost")
    server = start(cert=certificate, key=key)
    modern = ssl.create_default_context()
    modern.set_alpn_protocols(["h2"])
    with handshake(server, authority, modern) as connection:
        assert connection.selected_alpn_protocol() == "h2"
        assert connection.version() == "TLSv1.3"
    second = ssl.create_default_context()
    second.set_alpn_protocols(["h2"])
    second.maximum_version = ssl.TLSVersion.TLSv1_2
    with handshake(server, authority, second) as connection:
        assert connection.version() == "TLSv1.2"
    other = ssl.create_default_context()
    other.set_alpn_protocols(["http/1.1"])
    with pytest.raises(ssl.SSLError):
        handshake(server, authority, other)
    old = ssl.create_default_context()
    old.set_alpn_protocols(["h2"])
    old.set_ciphers("ALL:@SECLEVEL=0")  # otherwise the client itself would refuse
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        handshake(server, authority, old)


def test_plain_text_on_a_tls_port_is_refused(start: StartServer, authority: Authority) -> None:
    certificate, key = authority.issue("localhost")
    server = start(cert=certificate, key=key)
    with grpc.insecure_channel(server.address) as channel:
        assert Echo(channel).error("Unary").code() is grpc.StatusCode.UNAVAILABLE
    with secure(server, authority, None) as channel:
        assert Echo(channel).call("Unary", b"well") == b"well"
