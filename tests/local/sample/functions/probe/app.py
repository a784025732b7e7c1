import itertools
import json
import os
import time

import shared

calls = itertools.count(1)


def handler(event, context):
    behaviour = event.get("headers", {}).get("x-behaviour", event.get("behaviour", "show"))
    return BEHAVIOURS[behaviour](event, context)


def show(event, context):
    shown = {
        "call": next(calls),
        "event": event,
        "variables": dict(os.environ),
        "process": os.getpid(),
        "layer": shared.ANSWER,
        "arn": context.invoked_function_arn,
        "remaining": context.get_remaining_time_in_millis(),
        "request_id": context.aws_request_id,
    }
    return {"statusCode": 200, "body": json.dumps(shown)}


def fail(event, context):
    raise ValueError("a secret detail")


def sleep(event, context):
    time.sleep(30)


def leave(event, context):
    os._exit(3)


def pause(event, context):
    time.sleep(0.2)
    return show(event, context)


def nonsense(event, context):
    return {"statusCode": "many"}


def full(event, context):
    return {
        "statusCode": 418,
        "headers": {"content-type": "image/png", "x-own": "yes"},
        "cookies": ["a=1", "b=2; Secure"],
        "isBase64Encoded": True,
        "body": "iVBORw==",
    }


def many(event, context):
    return {"statusCode": 200, "body": "\U0001f600" * 1_400_000}


BEHAVIOURS = {
    "show": show,
    "fail": fail,
    "sleep": sleep,
    "leave": leave,
    "pause": pause,
    "nonsense": nonsense,
    "full": full,
    "many": many,
}
