"""Read secrets from Secrets Manager without boto3, because its import doubles a cold start.

A read is one request, signed with AWS Signature Version 4. A test compares the signature with that of botocore.
"""

import hashlib
import hmac
import http.client
import json
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from urllib.parse import SplitResult, urlsplit

from segmentation.runtime.retry import retry

PAUSES_SECONDS = (0.2, 0.6)
TIMEOUT_SECONDS = 2
SERVICE = "secretsmanager"


class SecretUnreadable(Exception):
    """Secrets Manager did not give the secret."""


_TRANSIENT = (OSError, http.client.HTTPException, SecretUnreadable)


def read(arn: str, environment: Mapping[str, str]) -> str:
    """Return the current text of a secret. Retries; raises SecretUnreadable.

    The environment has the region and the credentials, under the names that Lambda gives them.
    """
    try:
        return retry(partial(_request, arn, environment), on=_TRANSIENT, pauses=PAUSES_SECONDS)
    except (OSError, http.client.HTTPException) as error:
        raise SecretUnreadable(f"Secrets Manager cannot be reached: {type(error).__name__}") from error


def _request(arn: str, environment: Mapping[str, str]) -> str:
    endpoint = _endpoint(environment)
    body = json.dumps({"SecretId": arn}).encode()
    headers = signed_headers(endpoint.netloc, body, environment, datetime.now(UTC))
    connection = _connection(endpoint, environment.get("AWS_SSL_ROOT_CERT"))
    try:
        connection.request("POST", "/", body, headers)
        response = connection.getresponse()
        answer = response.read()
    finally:
        connection.close()
    if response.status != http.HTTPStatus.OK:
        # the answer names the missing permission or secret, never the secret's text
        raise SecretUnreadable(f"{arn}: {response.status} {answer[:300].decode(errors='replace')}")
    text: str = json.loads(answer)["SecretString"]
    return text


def _connection(endpoint: SplitResult, authorities: str | None) -> http.client.HTTPConnection:
    """Return a connection that trusts the authorities of a file, or those of the system, which take longer to load."""
    if endpoint.scheme == "http":
        return http.client.HTTPConnection(endpoint.netloc, timeout=TIMEOUT_SECONDS)
    context = ssl.create_default_context(cafile=authorities or None)
    return http.client.HTTPSConnection(endpoint.netloc, timeout=TIMEOUT_SECONDS, context=context)


def _endpoint(environment: Mapping[str, str]) -> SplitResult:
    region = environment["AWS_REGION"]
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return urlsplit(environment.get("AWS_ENDPOINT_URL_SECRETS_MANAGER") or f"https://{SERVICE}.{region}.{suffix}")


def signed_headers(host: str, body: bytes, environment: Mapping[str, str], now: datetime) -> dict[str, str]:
    """Return the headers of a request for a secret, signed with the credentials of the environment.

    The algorithm: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
    """
    headers = {
        "content-type": "application/x-amz-json-1.1",
        "host": host,
        "x-amz-date": f"{now:%Y%m%dT%H%M%SZ}",
        "x-amz-security-token": environment.get("AWS_SESSION_TOKEN", ""),
        "x-amz-target": f"{SERVICE}.GetSecretValue",
    }
    headers = {name: value for name, value in headers.items() if value}
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    request = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{now:%Y%m%d}/{environment['AWS_REGION']}/{SERVICE}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{headers['x-amz-date']}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = b"AWS4" + environment["AWS_SECRET_ACCESS_KEY"].encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    credential = f"{environment['AWS_ACCESS_KEY_ID']}/{scope}"
    authorization = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}"
    return headers | {"authorization": authorization}
