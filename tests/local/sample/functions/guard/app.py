import itertools

calls = itertools.count(1)


def handler(event, context):
    sent = event["headers"]["authorization"]
    if sent == "unknown":
        raise ValueError("Unauthorized")
    if sent == "fail":
        raise ValueError("a secret detail")
    return {"isAuthorized": sent != "known", "context": {"call": next(calls), "event": event}}
