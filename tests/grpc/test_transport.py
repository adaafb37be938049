# SPDX-License-Identifier: Apache-2.0
"""The gRPC transport, seen by Python's official client."""

import asyncio
import concurrent.futures
import gc
import pathlib
import threading
from collections.abc import Callable, Iterator

import grpc
import grpc.aio
import pytest
from echo_process import UNLIMITED, Echo, EchoServer, connect

StartServer = Callable[..., EchoServer]


@pytest.fixture
def echo(server: EchoServer) -> Iterator[Echo]:
    with connect(server.address) as channel:
        yield Echo(channel)


@pytest.mark.parametrize("size", [0, 1, 4096, 16384, 65531, 1 << 20, 5_000_000])
def test_messages_of_all_sizes_come_back(echo: Echo, size: int) -> None:
    message = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    assert echo.call("Unary", message) == message
    assert echo.call("Threaded", message) == message


@pytest.mark.parametrize("megabytes", [64, 300])
def test_big_messages_come_back(echo: Echo, megabytes: int) -> None:
    message = b"0123456789abcdef" * (megabytes << 16)
    answer = echo.call("Unary", message)
    assert len(answer) == len(message)
    assert answer == message
    del answer
    gc.collect()


def test_small_calls_go_on_beside_a_big_one(echo: Echo) -> None:
    big = concurrent.futures.ThreadPoolExecutor(1).submit(echo.call, "Unary", b"b" * (64 << 20))
    small = 0
    while not big.done():
        assert echo.call("Unary", b"small") == b"small"
        small += 1
    assert len(big.result()) == 64 << 20
    assert small > 1


def test_many_threads_share_a_channel(echo: Echo) -> None:
    def calls(number: int) -> None:
        for i in range(100):
            message = b"%d %d" % (number, i)
            assert echo.call("Threaded" if i % 2 else "Unary", message) == message

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(calls, range(16)))


def test_server_streaming(echo: Echo) -> None:
    assert list(echo.stream(3, 5)) == [b"sssss"] * 3
    assert list(echo.stream(0, 5)) == []
    assert sum(len(message) for message in echo.stream(1000, 10_000)) == 10_000_000


def test_a_slow_reader_does_not_fill_the_servers_memory(echo: Echo, server: EchoServer) -> None:
    before = server.resident_bytes()
    stream = echo.stream(100_000, 100_000)
    for _ in range(20):
        assert len(next(stream)) == 100_000
        echo.call("Unary", b"let time pass")
    assert server.resident_bytes() - before < 64 << 20
    stream.cancel()


def test_a_deadline_ends_a_call_that_nobody_answers(echo: Echo) -> None:
    assert echo.error("Silent", timeout=0.1).code() is grpc.StatusCode.DEADLINE_EXCEEDED


def test_the_server_sees_the_deadline(echo: Echo) -> None:
    assert 0 < int(echo.call("TimeLeft", timeout=30)) <= 30_000
    assert int(echo.call("TimeLeft", timeout=None)) > 1 << 40


def test_cancelling_reaches_the_service(start: StartServer) -> None:
    with connect(start().address) as channel:
        echo = Echo(channel)
        calls = [echo.begin("Silent") for _ in range(10)]
        # An answer to a later call of the same connection: the silent ones have arrived.
        echo.call("Unary")
        for call in calls:
            call.cancel()
        while int(echo.call("Cancelled")) < len(calls):
            pass


def test_metadata_arrives_text_and_binary(echo: Echo) -> None:
    everything = bytes(range(256))
    metadata = (("text", "some text"), ("raw-bin", everything), ("empty-bin", b""))
    assert echo.call("Metadata", b"text", metadata=metadata) == b"some text"
    assert echo.call("Metadata", b"raw-bin", metadata=metadata) == everything
    assert echo.call("Metadata", b"empty-bin", metadata=metadata) == b""
    assert b"grpc-python" in echo.call("Metadata", b"user-agent")


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_compressed_requests(echo: Echo, compression: grpc.Compression) -> None:
    message = b"compressible " * 100_000
    assert echo.call("Unary", message, compression=compression) == message


def test_status_codes_and_messages_arrive_unharmed(echo: Echo) -> None:
    text = "100 % größer\nals 漢字 \U0001f600 ~"
    for code in grpc.StatusCode:
        if code is grpc.StatusCode.OK:
            continue
        error = echo.error("Fail", text.encode(), metadata=(("code", str(code.value[0])),))
        assert (error.code(), error.details()) == (code, text)


def test_a_very_long_status_message_still_arrives(echo: Echo) -> None:
    error = echo.error("Fail", "ü".encode() * 50_000, metadata=(("code", "9"),))
    assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert set(error.details() or "") == {"ü"}


def test_unknown_methods_are_unimplemented(echo: Echo) -> None:
    assert echo.error("Nothing").code() is grpc.StatusCode.UNIMPLEMENTED


def test_requests_are_limited_in_size(start: StartServer) -> None:
    with connect(start(max_request_bytes=1 << 20).address) as channel:
        echo = Echo(channel)
        assert echo.call("Size", b"x" * (1 << 20)) == b"1048576"
        for compression in (None, grpc.Compression.Gzip):
            error = echo.error("Size", b"x" * (32 << 20), compression=compression)
            assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert echo.call("Size", b"x") == b"1"


def test_peers_are_named(echo: Echo) -> None:
    assert echo.call("Peer").startswith((b"ipv4:127.0.0.1:", b"ipv6:"))


def test_unix_sockets(start: StartServer, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "echo.sock"
    server = start(port=-1, unix=path)
    with connect(f"unix:{path}") as channel:
        assert Echo(channel).call("Unary", b"x" * 1_000_000) == b"x" * 1_000_000
        assert Echo(channel).call("Peer") == b"unix:"
    assert server.stop() == 0
    assert not path.exists()


def test_the_asynchronous_client(server: EchoServer) -> None:
    async def run() -> None:
        async with grpc.aio.insecure_channel(server.address, options=UNLIMITED) as channel:
            unary: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]
            unary = channel.unary_unary("/echo.Echo/Threaded")
            answers = await asyncio.gather(*(unary(b"%d" % i) for i in range(500)))
            assert answers == [b"%d" % i for i in range(500)]
            stream: grpc.aio.UnaryStreamMultiCallable[bytes, bytes]
            stream = channel.unary_stream("/echo.Echo/Stream")
            assert [message async for message in stream(b"4 2")] == [b"ss"] * 4
            silent: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]
            silent = channel.unary_unary("/echo.Echo/Silent")
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await silent(b"", timeout=0.1)
            assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED

    asyncio.run(run())


def test_keepalive_of_both_sides_keeps_a_silent_connection(start: StartServer) -> None:
    server = start(keepalive_ms=50)
    options = [("grpc.keepalive_time_ms", 10_000), ("grpc.keepalive_permit_without_calls", 1)]
    with connect(server.address, options) as channel:
        echo = Echo(channel)
        first = echo.call("Peer")
        assert echo.call("Threaded", b"late", metadata=(("delay-ms", "500"),)) == b"late"
        assert echo.call("Peer") == first


def test_connections_are_renewed_at_their_age_without_failing_a_call(start: StartServer) -> None:
    with connect(start(age_ms=100).address) as channel:
        echo = Echo(channel)
        peers = {echo.call("Peer")}
        while len(peers) < 4:
            peers.add(echo.call("Peer"))


def test_draining_under_load_fails_no_call(start: StartServer) -> None:
    old, new = start(threads=2), start(threads=2)
    stop = threading.Event()
    target = f"ipv4:127.0.0.1:{old.port},127.0.0.1:{new.port}"

    def calls(channel: grpc.Channel, delay: int) -> int:
        echo, done = Echo(channel), 0
        while not stop.is_set():
            message = b"%d" % done
            assert echo.call("Threaded", message, metadata=(("delay-ms", str(delay)),)) == message
            done += 1
        return done

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        channels = [connect(target) for _ in range(4)]
        running = [pool.submit(calls, channels[i % 4], i) for i in range(8)]
        for channel in channels:
            Echo(channel).call("Unary")
        assert old.stop() == 0
        for channel in channels:
            Echo(channel).call("Unary")
        stop.set()
        assert all(future.result() > 0 for future in running)
