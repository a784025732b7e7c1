"""CloudFormation's custom resources: do one thing at each deployment, and say how it went.

The protocol: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
"""

import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any

from segmentation.runtime.log import logger

PAUSES_SECONDS = (1, 3)


def is_request(event: dict[str, Any]) -> bool:
    """Return whether CloudFormation sent this event and waits for an answer."""
    return "ResponseURL" in event


def answer(event: dict[str, Any], do: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Do it, unless the stack is being deleted, and answer; a failure lets the deployment roll back."""
    try:
        data = {} if event["RequestType"] == "Delete" else do()
    except Exception as error:
        logger.exception("the deployment's step failed")
        # the message stays in the log: an event of the stack is read by more people than the log is
        _send(event, {"Status": "FAILED", "Reason": f"{type(error).__name__}: see the log of the function"})
        return {}
    _send(event, {"Status": "SUCCESS", "Data": data})
    return data


def _send(event: dict[str, Any], outcome: dict[str, Any]) -> None:
    ids = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    body = json.dumps({"PhysicalResourceId": event["LogicalResourceId"], **ids, **outcome}).encode()
    request = urllib.request.Request(  # noqa: S310 -- CloudFormation's own presigned https link
        event["ResponseURL"], data=body, method="PUT", headers={"Content-Type": ""}
    )
    for pause in PAUSES_SECONDS:
        try:
            return _put(request)
        except OSError as error:  # the stack would wait for the answer in vain, and roll back what has been done
            logger.warning("CloudFormation did not take the answer", error=str(error))
            time.sleep(pause)
    _put(request)


def _put(request: urllib.request.Request) -> None:
    urllib.request.urlopen(request, timeout=10).close()  # nosec B310 # noqa: S310 -- as above
