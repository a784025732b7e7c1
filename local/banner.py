"""The text that the local run prints in the terminal."""

import contextlib
import sys
from pathlib import Path

from local.settings import Settings

TRY = """\
  curl --request POST 'http://localhost:{port}/user'
  curl --request POST -d '{{"slug": "AVITO_DISCOUNT_30"}}' 'http://localhost:{port}/segment'
  curl --request POST -d '{{"slug": "AVITO_DISCOUNT_50"}}' 'http://localhost:{port}/segment'
  curl --request POST -d '{{"user_id": 1, "add_segments": ["AVITO_DISCOUNT_50", "AVITO_DISCOUNT_30"], "ttl":86400, \
"delete_segments": []}}' 'http://localhost:{port}/segment/user'
  curl --request GET 'http://localhost:{port}/segment/user/1'
  curl --request DELETE -d '{{"slug": "AVITO_DISCOUNT_30"}}' 'http://localhost:{port}/segment'
"""
READY = """
Ready after {seconds:.1f} s: http://localhost:{port}
The console, for people: http://localhost:{port}/console
Documentation of the API: http://localhost:{port}/docs
Lambda invoke endpoint http://localhost:{lambda_port}, S3 {s3}, SQS http://localhost:{sqs_port}.
Data is in {data}, logs are in {logs}.
The next request runs changed code. After a change of {template}, start again. Ctrl-C stops the run.
"""
LOCAL_DATA = "{folder} (make reset removes it)"
EXTERNAL_DATA = "the database that DATABASE_URL names"
OPEN = """\
Access is open: every client of this port may do everything, as 'local'. make run AUTH=on requires tokens.
"""
CONTROLLED = """\
Access is controlled: all routes but the public ones require a token. This sets one for the admin, valid for an hour:

  TOKEN=$(curl --silent --data @{admin} 'http://localhost:{port}/auth/sign-in' | cut -d '"' -f 4)
"""
TRY_OPEN = "\nTry, in another terminal:\n\n"
TRY_CONTROLLED = "\nTry, in the terminal that has TOKEN:\n\n"
AUTHORIZATION = '--header "Authorization: Bearer $TOKEN"'


def say(text: str) -> None:
    """Write a line at once. Ignore a terminal that is gone."""
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def ready(settings: Settings, seconds: float, data: Path | None, *, is_empty: bool) -> None:
    """Print that the service answers, and examples for an empty database."""
    access = CONTROLLED.format(admin=settings.admin, port=settings.port) if settings.auth else OPEN
    say(addresses(settings, seconds, data) + access + (examples(settings) if is_empty else ""))


def addresses(settings: Settings, seconds: float, data: Path | None) -> str:
    """Return where the service, its data and its logs are."""
    _, lambda_port, _, sqs_port = settings.ports.values()
    return READY.format(
        seconds=seconds,
        port=settings.port,
        lambda_port=lambda_port,
        s3=settings.s3.url,
        sqs_port=sqs_port,
        data=LOCAL_DATA.format(folder=data) if data else EXTERNAL_DATA,
        logs=settings.logs,
        template=settings.template.name,
    )


def examples(settings: Settings) -> str:
    """Return the first requests to try."""
    text = TRY.format(port=settings.port)
    if settings.auth:
        return TRY_CONTROLLED + text.replace("curl ", f"curl {AUTHORIZATION} ")
    return TRY_OPEN + text
