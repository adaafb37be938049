# SPDX-License-Identifier: Apache-2.0
"""How the clients connect: addresses, TLS and channel options."""

import dataclasses
from collections.abc import Mapping

import grpc

from tfserving_remote.errors import InvalidInput

_OPTIONS: list[tuple[str, int]] = [
    # The only limit is protobuf's own, 2 GiB.
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    # A server that restarts is found again at once, not after gRPC's two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 5000),
]


@dataclasses.dataclass(frozen=True)
class Tls:
    """TLS by other than the system's roots. Every value is PEM, not a file name.

    `ca`: who signed the server's certificate; None for the system's roots. `key` and `certificate`:
    who we are, for mutual TLS. `server_name`: the name in the server's certificate, where it is not
    the address.
    """

    ca: bytes | None = None
    key: bytes | None = dataclasses.field(default=None, repr=False)
    certificate: bytes | None = None
    server_name: str | None = None


def check_address(address: str) -> str:
    """`address`, when it is one that gRPC takes."""
    if address.startswith(("http:", "https:", "grpc:")):
        raise InvalidInput(f"{address!r} is a URL; give host:port")
    if not address.startswith(("unix:", "dns:", "ipv4:", "ipv6:", "xds:")):
        port = address.rpartition(":")[2]
        if not port.isdecimal() or (address.count(":") > 1 and not address.startswith("[")):
            raise InvalidInput(f"{address!r} is no host:port, such as localhost:8500 or [::1]:8500")
    return address


def options(tls: bool | Tls) -> list[tuple[str, int | str]]:
    """Channel options."""
    result: list[tuple[str, int | str]] = list(_OPTIONS)
    if isinstance(tls, Tls) and tls.server_name:
        result.append(("grpc.ssl_target_name_override", tls.server_name))
    return result


def credentials(tls: bool | Tls) -> grpc.ChannelCredentials | None:
    """Channel credentials; None for a connection in the clear."""
    if not tls:
        return None
    chosen = tls if isinstance(tls, Tls) else Tls()
    return grpc.ssl_channel_credentials(chosen.ca, chosen.key, chosen.certificate)


def headers(given: Mapping[str, str] | None) -> tuple[tuple[str, str], ...]:
    """gRPC metadata from a mapping."""
    return tuple((name.lower(), value) for name, value in (given or {}).items())
