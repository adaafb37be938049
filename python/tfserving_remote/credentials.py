# SPDX-License-Identifier: Apache-2.0
"""Credentials for the server, from the vendors' own chains: `python -m tfserving_remote.credentials
aws|gcs`.

Prints one JSON object in the form of AWS's `credential_process`. For aws:
{"Version":1,"AccessKeyId":…,"SecretAccessKey":…,"SessionToken":…,"Expiration":…,"Region":…}, for
gcs: {"Version":1,"AccessToken":…,"Expiration":…}. SessionToken, Expiration and Region are left out
where there are none. On failure the exit code is 1 and the object {"Version":1,"Error":"what is
missing and what to do"}. Nothing secret goes anywhere but to standard output.
"""

import datetime
import json
import logging
import sys
from typing import Any

_SCOPE = "https://www.googleapis.com/auth/devstorage.read_only"
_TIME = "%Y-%m-%dT%H:%M:%SZ"


class CredentialsError(Exception):
    """There are no credentials; the message says what is missing and what to do."""


def aws() -> dict[str, Any]:
    """Credentials of boto3's whole chain: environment, profiles, SSO, roles, web
    identity, container, instance.
    """
    try:
        import botocore.exceptions
        import botocore.session
    except ImportError:
        raise CredentialsError(
            "boto3 is not installed; install it with: pip install 'tfserving-remote[s3]'"
        ) from None
    try:
        session = botocore.session.get_session()
        found = session.get_credentials()
        if found is None:
            raise CredentialsError(
                "no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and"
                " AWS_SECRET_ACCESS_KEY, or give the pod or machine a role"
            )
        frozen = found.get_frozen_credentials()
        region = session.get_config_variable("region")
    except botocore.exceptions.BotoCoreError as error:
        raise CredentialsError(f"no AWS credentials: {error}; {_advice(error)}") from None
    except botocore.exceptions.ClientError as error:
        raise CredentialsError(
            f"no AWS credentials: {error}; check the role and its trust policy"
        ) from None
    result = {"Version": 1, "AccessKeyId": frozen.access_key, "SecretAccessKey": frozen.secret_key}
    if frozen.token:
        result["SessionToken"] = frozen.token
    # Refreshable credentials know when they end, under a private name only; others have no end.
    expiry = getattr(found, "_expiry_time", None)
    if isinstance(expiry, datetime.datetime):
        result["Expiration"] = expiry.astimezone(datetime.timezone.utc).strftime(_TIME)
    if region:
        result["Region"] = region
    return result


def _advice(error: Exception) -> str:
    name = type(error).__name__
    if "SSO" in name or "Token" in name:
        return "sign in again with: aws sso login"
    if name == "ProfileNotFound":
        return "check AWS_PROFILE and AWS_CONFIG_FILE"
    return "check AWS_PROFILE, the role, and that the credentials' endpoint can be reached"


def gcs() -> dict[str, Any]:
    """An access token that may read Google Cloud Storage, from google-auth's chain."""
    try:
        import google.auth
        import google.auth.exceptions
        import google.auth.transport.requests
    except ImportError:
        raise CredentialsError(
            "google-auth is not installed; install it with: pip install 'tfserving-remote[gcs]'"
        ) from None
    try:
        found: Any = google.auth.default(scopes=[_SCOPE])[0]
        found.refresh(google.auth.transport.requests.Request())
    except google.auth.exceptions.DefaultCredentialsError as error:
        raise CredentialsError(
            f"no Google credentials: {error}; run `gcloud auth application-default login`, set"
            " GOOGLE_APPLICATION_CREDENTIALS, or give the pod or machine a service account"
        ) from None
    except (google.auth.exceptions.GoogleAuthError, OSError, ValueError) as error:
        raise CredentialsError(
            f"no Google access token: {error}; check GOOGLE_APPLICATION_CREDENTIALS and the network"
        ) from None
    result: dict[str, Any] = {"Version": 1, "AccessToken": found.token}
    if found.expiry is not None:  # In UTC, without saying so.
        result["Expiration"] = found.expiry.strftime(_TIME)
    return result


def main(arguments: list[str] | None = None) -> int:
    """The command; returns the exit code."""
    chosen = sys.argv[1:] if arguments is None else arguments
    sources = {"aws": aws, "gcs": gcs}
    if len(chosen) != 1 or chosen[0] not in sources:
        print("usage: python -m tfserving_remote.credentials aws|gcs", file=sys.stderr)
        return 2
    logging.disable()  # The vendors' chains log what they try, and some of it is nobody's business.
    try:
        answer = sources[chosen[0]]()
    except CredentialsError as error:
        answer = {"Version": 1, "Error": " ".join(str(error).split())}
    except Exception as error:
        answer = {"Version": 1, "Error": f"{type(error).__name__} in {chosen[0]}'s own chain"}
    print(json.dumps(answer))
    return 1 if "Error" in answer else 0


if __name__ == "__main__":
    sys.exit(main())
