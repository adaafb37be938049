# SPDX-License-Identifier: Apache-2.0
"""What the store does wrong is not the users' fault: it is told, healed from, and never served."""

import pathlib

import numpy as np
import pytest
from fault_proxy import FaultProxy, empty_listing, flip_byte, status, truncate
from model_server import ModelServer, serving
from stores import ACCESS_KEY, SECRET_KEY, S3Store, copy_folder
from tfserving_remote import publish

X = np.array([[1.0]], np.float32)


def flags(s3: S3Store, model: str = "m") -> tuple[str, ...]:
    return (f"--model_name={model}", f"--model_base_path={s3.url(model)}")


def served(server: ModelServer, model: str = "m") -> float:
    with server.client() as client:
        return float(client.predict(model, {"x": X})["y"][0, 0])


def failure(server: ModelServer, version: int, model: str = "m") -> str:
    """The reason why a version is not served."""
    with server.client() as client:
        return next(e.error_message for e in client.status(model) if e.version == version)


@pytest.mark.parametrize(
    "change, pattern",
    [
        (status(503, "SlowDown"), "GET .*variables.data"),
        (status(500, "InternalError"), "list-type=2"),
        (truncate, "GET .*variables.data"),
        (flip_byte, "GET .*variables.data"),
    ],
    ids=["slow-down", "listing-500", "truncated", "flipped-once"],
)
def test_passing_faults_are_survived(
    proxy: FaultProxy,
    through: dict[str, str],
    s3: S3Store,
    models: pathlib.Path,
    change: object,
    pattern: str,
) -> None:
    publish(models / "scaled_2", s3.url("m"))
    rule = proxy.add(pattern, change, times=1)  # type: ignore[arg-type]
    with serving(*flags(s3), environment=through) as server:
        server.wait_available("m", 1)
        assert served(server) == 2.0
    assert rule.hits == 1


def test_corrupt_content_is_reported_and_never_served(
    proxy: FaultProxy, through: dict[str, str], s3: S3Store, models: pathlib.Path
) -> None:
    publish(models / "scaled_1", s3.url("m"))
    with serving(*flags(s3), environment=through) as server:
        server.wait_available("m", 1)
        proxy.add(r"GET /[^/]+/m/2/variables/variables.data", flip_byte)
        publish(models / "scaled_2", s3.url("m"))
        server.wait_until(lambda: server.states("m").get(2) == "END", "version 2 to fail")
        reason = failure(server, 2)
        assert "m/2/variables/variables.data-00000-of-00001" in reason
        assert "crc32c" in reason
        assert served(server) == 1.0
        assert server.states("m")[1] == "AVAILABLE"


def test_broken_objects_heal_when_they_are_replaced(
    proxy: FaultProxy, through: dict[str, str], s3: S3Store, models: pathlib.Path
) -> None:
    publish(models / "scaled_2", s3.url("m"))
    key = "m/1/variables/variables.data-00000-of-00001"
    good = s3.get(key)
    s3.put(key, bytes([good[0] ^ 1]) + good[1:])
    with serving(*flags(s3), environment=through) as server:
        server.wait_until(lambda: server.states("m").get(1) == "END", "version 1 to fail")
        s3.put(key, good)
        server.wait_available("m", 1)
        assert served(server) == 2.0


def test_a_truncated_object_is_named(
    proxy: FaultProxy, through: dict[str, str], s3: S3Store, models: pathlib.Path
) -> None:
    publish(models / "scaled_2", s3.url("m"))
    key = "m/1/variables/variables.data-00000-of-00001"
    s3.put(key, s3.get(key)[:-1])
    with serving(*flags(s3), environment=through) as server:
        server.wait_until(lambda: server.states("m").get(1) == "END", "version 1 to fail")
        assert key in failure(server, 1)


def test_a_version_without_manifest_waits_when_manifests_are_required(
    proxy: FaultProxy, through: dict[str, str], s3: S3Store, models: pathlib.Path
) -> None:
    copy_folder(s3, models / "scaled_4", "m/2")
    publish(models / "scaled_1", s3.url("m"), version=1)
    with serving(*flags(s3), "--remote_manifest=required", environment=through) as server:
        server.wait_available("m", 1)
        assert server.states("m") == {1: "AVAILABLE"}


@pytest.mark.parametrize(
    "change",
    [status(500, "InternalError"), status(403, "AccessDenied"), empty_listing],
    ids=["500", "403", "empty"],
)
def test_a_listing_that_fails_or_is_empty_unloads_nothing(
    proxy: FaultProxy, through: dict[str, str], s3: S3Store, models: pathlib.Path, change: object
) -> None:
    publish(models / "scaled_2", s3.url("m"))
    with serving(*flags(s3), environment=through) as server:
        server.wait_available("m", 1)
        before = len(server.lines)
        rule = proxy.add("list-type=2", change)  # type: ignore[arg-type]
        server.wait_until(lambda: rule.hits >= 3, "three such listings", timeout=120)
        server.wait_for_line("s3://", since=before)
        assert served(server) == 2.0
        assert server.states("m") == {1: "AVAILABLE"}
        proxy.clear()
        publish(models / "scaled_3", s3.url("m"))
        server.wait_available("m", 2)


def test_a_missing_bucket_delays_no_other_model_and_heals(
    s3: S3Store,
    proxy: FaultProxy,
    through: dict[str, str],
    models: pathlib.Path,
    tmp_path: pathlib.Path,
) -> None:
    publish(models / "scaled_2", s3.url("good"))
    late = S3Store(s3.endpoint, f"{s3.bucket}-late")
    config = tmp_path / "models.config"
    config.write_text(
        f"""model_config_list {{
          config {{ name: "late" base_path: "{late.url("m")}" model_platform: "tensorflow" }}
          config {{ name: "good" base_path: "{s3.url("good")}" model_platform: "tensorflow" }}
        }}""",
        "utf-8",
    )
    with serving(f"--model_config_file={config}", environment=through) as server:
        server.wait_available("good", 1)
        assert served(server, "good") == 2.0
        server.wait_for_line("NoSuchBucket")
        with server.client() as client, pytest.raises(LookupError, match=late.bucket):
            client.status("late")
        late.make_bucket()
        publish(models / "scaled_3", late.url("m"))
        server.wait_available("late", 1)
        assert served(server, "late") == 3.0


def test_wrong_credentials_are_told_and_heal(
    proxy: FaultProxy, through: dict[str, str], s3: S3Store, models: pathlib.Path
) -> None:
    publish(models / "scaled_2", s3.url("m"))
    proxy.add(".", status(403, "InvalidAccessKeyId"))
    with serving(*flags(s3), environment=through) as server:
        line = server.wait_for_line("InvalidAccessKeyId")
        assert s3.environment["AWS_SECRET_ACCESS_KEY"] not in "\n".join(server.lines)
        assert s3.url("m") in line
        proxy.clear()
        server.wait_available("m", 1)


def test_wrong_signature_is_refused_by_a_store_that_checks(
    versitygw: str, models: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = S3Store(versitygw, "signed-bucket")
    store.make_bucket()
    for key, value in store.environment.items():
        monkeypatch.setenv(key, value)
    publish(models / "scaled_2", store.url("m"))
    wrong = {**store.environment, "AWS_SECRET_ACCESS_KEY": "wrong"}
    with serving(*flags(store), environment=wrong) as server:
        server.wait_for_line("SignatureDoesNotMatch")
        assert server.states("m") == {}


def test_an_object_replaced_during_the_load_is_noticed(
    proxy: FaultProxy, through: dict[str, str], s3: S3Store, models: pathlib.Path
) -> None:
    """Same size, other bytes, no manifest to tell: the pinned ETag does."""
    copy_folder(s3, models / "medium", "m/1")
    key = "m/1/variables/variables.data-00000-of-00001"
    good = s3.get(key)
    replaced: list[bool] = []

    def replace(answer):  # type: ignore[no-untyped-def]
        if not replaced:
            replaced.append(True)
            s3.put(key, good[::-1])
        return answer

    proxy.add("GET .*variables.index", replace, times=1)
    with serving(*flags(s3), environment=through) as server:
        server.wait_until(lambda: server.states("m").get(1) == "END", "version 1 to fail")
        assert key in failure(server, 1)
        s3.put(key, good)
        server.wait_available("m", 1)


def test_credentials_of_a_profile_reach_the_store(
    versitygw: str, models: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not in the environment: boto3's chain finds them, and a store that checks accepts them."""
    store = S3Store(versitygw, "profile-bucket")
    store.make_bucket()
    for key, value in store.environment.items():
        monkeypatch.setenv(key, value)
    publish(models / "scaled_2", store.url("m"))
    profile = tmp_path / "credentials"
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    environment = {
        "AWS_SHARED_CREDENTIALS_FILE": str(profile),
        "AWS_PROFILE": "team",
        "AWS_REGION": store.environment["AWS_REGION"],
        "AWS_ENDPOINT_URL_S3": versitygw,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    with serving(*flags(store), environment=environment) as server:
        told = server.wait_for_line("team")
        assert "credential" in told.lower()
        profile.write_text(
            f"[team]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n",
            "ascii",
        )
        server.wait_available("m", 1)
        assert served(server) == 2.0
        assert SECRET_KEY not in "\n".join(server.lines)


def test_a_server_that_polls_once_repeats_a_load_that_the_store_failed(
    proxy: FaultProxy, through: dict[str, str], s3: S3Store, models: pathlib.Path
) -> None:
    """Nobody would offer the version again, so the load itself is repeated."""
    publish(models / "scaled_2", s3.url("m"))
    rule = proxy.add("GET .*variables.data", status(503, "SlowDown"), times=8)
    once = ("--file_system_poll_wait_seconds=0", "--load_retry_interval_micros=1000")
    with serving(*flags(s3), *once, environment=through) as server:
        server.wait_available("m", 1)
        assert served(server) == 2.0
    assert rule.hits == 8
