"""A custom resource of CloudFormation: run a step at each deployment, and report its outcome.

The protocol: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
"""

import json
import urllib.request
from collections.abc import Callable
from functools import partial
from typing import Any

from segmentation.runtime.log import logger
from segmentation.runtime.retry import retry

PAUSES_SECONDS = (1, 3)


def is_request(event: dict[str, Any]) -> bool:
    """Return whether CloudFormation sent this event. It then waits for an answer."""
    return "ResponseURL" in event


def answer(event: dict[str, Any], do: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Run the step, unless the stack is being deleted, and answer. A failure makes the deployment roll back.

    A failure during that roll-back is only logged. Older code runs on the schema as it is, and a second failure would
    leave the stack in UPDATE_ROLLBACK_FAILED.
    """
    data: dict[str, Any] = {}
    try:
        if event["RequestType"] != "Delete":
            data = do()
    except Exception as error:
        logger.exception("the deployment step failed")
        if _is_rollback(event):
            _send(event, {"Status": "SUCCESS"})
            return {}
        # the error's message stays in the log, because stack events have more readers than the log
        _send(event, {"Status": "FAILED", "Reason": f"{type(error).__name__}: see the log of the function"})
        return {}
    _send(event, {"Status": "SUCCESS", "Data": data})
    return data


def _is_rollback(event: dict[str, Any]) -> bool:
    """Return whether CloudFormation goes back to an older version of the layer. Every deployment makes a newer one."""
    if event["RequestType"] != "Update":
        return False
    now, before = (
        event.get(name, {}).get("LayerVersion", "") for name in ("ResourceProperties", "OldResourceProperties")
    )
    return _number(now) < _number(before)


def _number(layer_version: str) -> int:
    number = layer_version.rpartition(":")[2]
    return int(number) if number.isdecimal() else 0


def _send(event: dict[str, Any], outcome: dict[str, Any]) -> None:
    ids = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    body = json.dumps({"PhysicalResourceId": event["LogicalResourceId"], **ids, **outcome}).encode()
    request = urllib.request.Request(  # noqa: S310 -- CloudFormation's presigned https link
        event["ResponseURL"], data=body, method="PUT", headers={"Content-Type": ""}
    )
    # without an answer the stack waits until its time-out, then rolls back
    retry(partial(_put, request), on=OSError, pauses=PAUSES_SECONDS, on_failure=_log_refusal)


def _log_refusal(error: Exception) -> None:
    logger.warning("CloudFormation did not take the answer", error=str(error))


def _put(request: urllib.request.Request) -> None:
    urllib.request.urlopen(request, timeout=10).close()  # nosec B310 # noqa: S310 -- as above
