# SPDX-License-Identifier: Apache-2.0
"""Serve TensorFlow models straight out of S3, Google Cloud Storage or a folder: client, publishing,
command line.

Names load what they need when they are first used, so that starting the server or asking for
credentials imports neither grpc nor numpy.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfserving_remote._calls import HealthStatus, ModelMetadata, Prediction, VersionStatus
    from tfserving_remote._channel import Tls
    from tfserving_remote.client import AsyncClient, Client
    from tfserving_remote.errors import (
        Cancelled,
        DeadlineExceeded,
        FailedPrecondition,
        Internal,
        InvalidInput,
        MissingDependency,
        ModelNotFound,
        NotFound,
        PermissionDenied,
        ResourceExhausted,
        ServingError,
        SignatureNotFound,
        Unavailable,
        Unimplemented,
        VersionExists,
    )
    from tfserving_remote.listing import VersionInfo, list_versions, read_manifest
    from tfserving_remote.manifest import Manifest, Preprocessing
    from tfserving_remote.publishing import Progress, PublishedVersion, publish
    from tfserving_remote.signatures import Signature, TensorSpec
    from tfserving_remote.signing import SignedVersion, keygen, sign

_HOME = {
    "_calls": ("HealthStatus", "ModelMetadata", "Prediction", "VersionStatus"),
    "_channel": ("Tls",),
    "client": ("AsyncClient", "Client"),
    "errors": (
        "Cancelled",
        "DeadlineExceeded",
        "FailedPrecondition",
        "Internal",
        "InvalidInput",
        "MissingDependency",
        "ModelNotFound",
        "NotFound",
        "PermissionDenied",
        "ResourceExhausted",
        "ServingError",
        "SignatureNotFound",
        "Unavailable",
        "Unimplemented",
        "VersionExists",
    ),
    "listing": ("VersionInfo", "list_versions", "read_manifest"),
    "manifest": ("Manifest", "Preprocessing"),
    "publishing": ("Progress", "PublishedVersion", "publish"),
    "signatures": ("Signature", "TensorSpec"),
    "signing": ("SignedVersion", "keygen", "sign"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "AsyncClient",
    "Cancelled",
    "Client",
    "DeadlineExceeded",
    "FailedPrecondition",
    "HealthStatus",
    "Internal",
    "InvalidInput",
    "Manifest",
    "MissingDependency",
    "ModelMetadata",
    "ModelNotFound",
    "NotFound",
    "PermissionDenied",
    "Prediction",
    "Preprocessing",
    "Progress",
    "PublishedVersion",
    "ResourceExhausted",
    "ServingError",
    "Signature",
    "SignatureNotFound",
    "SignedVersion",
    "TensorSpec",
    "Tls",
    "Unavailable",
    "Unimplemented",
    "VersionExists",
    "VersionInfo",
    "VersionStatus",
    "keygen",
    "list_versions",
    "publish",
    "read_manifest",
    "sign",
]


def __getattr__(name: str) -> Any:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
