"""What the local run says in the terminal."""

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
Lambda invoke endpoint http://localhost:{lambda_port}, S3 {s3}, SQS http://localhost:{sqs_port}.
Data is in {data}, logs are in {logs}.
Changed code counts from the next request on; after a change of {template}, start again. Ctrl-C stops.
"""
LOCAL_DATA = "{folder} (make reset removes it)"
EXTERNAL_DATA = "the database that DATABASE_URL names"
OPEN = """\
Access is open: whoever reaches this port may do everything, as 'local'. make run AUTH=on asks for tokens.

Try, in another terminal:
"""
CONTROLLED = """\
Access is controlled: every request but a few needs a token. One for the admin, good for an hour:

  TOKEN=$(curl --silent --data @{admin} 'http://localhost:{port}/auth/sign-in' | cut -d '"' -f 4)

Try, in the terminal that has TOKEN:
"""
AUTHORIZATION = '--header "Authorization: Bearer $TOKEN"'


def say(text: str) -> None:
    """Write a line at once; nobody has to read it."""
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def ready(settings: Settings, seconds: float, data: Path | None) -> None:
    """Say that the service answers, and what to try."""
    _, lambda_port, _, sqs_port = settings.ports.values()
    text = READY.format(
        seconds=seconds,
        port=settings.port,
        lambda_port=lambda_port,
        s3=settings.s3.url,
        sqs_port=sqs_port,
        data=LOCAL_DATA.format(folder=data) if data else EXTERNAL_DATA,
        logs=settings.logs,
        template=settings.template.name,
    )
    examples = TRY.format(port=settings.port)
    if settings.auth:
        text += CONTROLLED.format(admin=settings.admin, port=settings.port)
        examples = examples.replace("curl ", f"curl {AUTHORIZATION} ")
    else:
        text += OPEN
    say(text + examples)
