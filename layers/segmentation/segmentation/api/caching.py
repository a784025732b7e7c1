"""Answers that their caller may keep: ETag, Cache-Control, and 304 for an answer that the caller has (RFC 9110)."""

from hashlib import blake2b

from aws_lambda_powertools.event_handler import Response

from segmentation.contract.responses import JSON


def answer(body: str, max_age: int, if_none_match: str) -> Response[str]:
    """Return an answer with its validator, or 304 if the request names that validator.

    The validator is a hash of the body, so two answers that differ never share it. No cache may serve the answer to
    another caller, whose role may not permit the route.
    """
    return _validated(body, if_none_match, {"Cache-Control": f"private, max-age={max_age}", "Vary": "Authorization"})


def answer_unstored(body: str, if_none_match: str) -> Response[str]:
    """Return an answer that no cache may keep with its validator, or 304 if the request names that validator.

    A caller that keeps the answer itself asks with the validator whether it is current.
    """
    return _validated(body, if_none_match, {"Cache-Control": "no-store"})


def _validated(body: str, if_none_match: str, headers: dict[str, str]) -> Response[str]:
    etag = f'"{blake2b(body.encode(), digest_size=16).hexdigest()}"'
    headers = {"ETag": etag, **headers}
    if is_named(etag, if_none_match):
        return Response(304, body="", headers=headers)
    return Response(200, JSON, body, headers)


def is_named(etag: str, if_none_match: str) -> bool:
    """Return whether If-None-Match names a strong validator, by weak comparison (RFC 9110, section 13.1.2).

    No validator contains a quotation mark, so a list names this one exactly if the text contains it.
    """
    return etag in if_none_match or if_none_match.strip() == "*"
