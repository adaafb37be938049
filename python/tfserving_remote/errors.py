# SPDX-License-Identifier: Apache-2.0
"""Errors of this package, and the one place that maps gRPC's status codes to them.

Every error is a `ServingError` and, where Python has one that fits, also the builtin that means the
same: code that knows nothing of this package catches `TimeoutError` or `LookupError` and is right.
"""


class ServingError(Exception):
    """Base of every error that this package raises.

    `code` is the name of the gRPC status, such as "NOT_FOUND", when a server said so, else None.
    """

    code: str | None = None


class ModelNotFound(ServingError, LookupError):
    """The server serves no such model, version or label. The message names the versions that it
    does serve.
    """


class SignatureNotFound(ServingError, LookupError):
    """The model has no such signature. The message names those that it has."""


class InvalidInput(ServingError, ValueError):
    """An argument, an input tensor or a file is not what is needed; the message says
    which and why.
    """


class FailedPrecondition(ServingError, RuntimeError):
    """The request is right but the server's state does not permit it."""


class Unavailable(ServingError, ConnectionError):
    """No connection to the server or store, or it cannot answer now. Worth trying again."""


class DeadlineExceeded(ServingError, TimeoutError):
    """No answer within the given time."""


class Cancelled(ServingError):
    """The call was cancelled before it was answered."""


class PermissionDenied(ServingError, PermissionError):
    """The server or store knows who asks, or not, and refuses."""


class ResourceExhausted(ServingError, RuntimeError):
    """A queue, a quota or a size limit is at its end."""


class Unimplemented(ServingError, NotImplementedError):
    """The server does not know this call."""


class Internal(ServingError, RuntimeError):
    """The server or the model failed; the message is the server's."""


class NotFound(ServingError, FileNotFoundError):
    """A bucket, folder or version is not there."""


class VersionExists(ServingError, FileExistsError):
    """The version was published before. A version is never overwritten."""


class MissingDependency(ServingError, ImportError):
    """An optional package is needed; the message says what to install."""


_BY_CODE: dict[str, type[ServingError]] = {
    "CANCELLED": Cancelled,
    "INVALID_ARGUMENT": InvalidInput,
    "OUT_OF_RANGE": InvalidInput,
    "DEADLINE_EXCEEDED": DeadlineExceeded,
    "NOT_FOUND": ModelNotFound,
    "PERMISSION_DENIED": PermissionDenied,
    "UNAUTHENTICATED": PermissionDenied,
    "RESOURCE_EXHAUSTED": ResourceExhausted,
    "FAILED_PRECONDITION": FailedPrecondition,
    "UNIMPLEMENTED": Unimplemented,
    "UNAVAILABLE": Unavailable,
}

# What the server says with another code than NOT_FOUND.
_UNKNOWN_LABEL = "Unrecognized servable version label"
_UNKNOWN_SIGNATURES = ("Serving signature key", "No signature was found with the name")


def error_from_status(code: str, details: str, doing: str) -> ServingError:
    """The error for a call that ended with gRPC status `code` ("NOT_FOUND") and message `details`.

    `doing` says which call it was and where to, for example "predict model 'm' at localhost:8500".
    """
    kind = _BY_CODE.get(code, Internal)
    if kind is InvalidInput and details.startswith(_UNKNOWN_LABEL):
        kind = ModelNotFound
    elif kind in (InvalidInput, FailedPrecondition) and details.startswith(_UNKNOWN_SIGNATURES):
        kind = SignatureNotFound
    error = kind(f"{doing}: {details or 'the server gave no reason'} ({code})")
    error.code = code
    return error
