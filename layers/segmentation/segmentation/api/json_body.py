"""Request bodies: JSON objects, with any content type."""

import json
import re
from typing import Any, NoReturn

from segmentation.contract.problems import BodyNotJson, BodyTooLarge, BodyTypeUnsupported, RequestInvalid

BYTE_ORDER_MARK = "\ufeff"
"""Some editors and .NET clients begin UTF-8 with it. A reader may ignore it (RFC 8259, section 8.1)."""

MAX_MEMBERS = 100
MAX_DIGITS = 1000
MAX_ENCODING_CHARACTERS = 50
MAX_BODY_BYTES = 1024 * 1024
"""Four times the size of a thousand slugs of the greatest length."""


def parse(text: str, content_type: str) -> dict[str, Any]:
    """Return the members of a JSON object.

    curl and many clients send JSON with the content type of a form. So the content type matters only for a text that
    is not JSON: it selects the problem. Raises BodyTooLarge, BodyTypeUnsupported, BodyNotJson. Raises RequestInvalid
    for JSON that is no object, repeats a member, is nested too deeply, or has too long a number.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BODY_BYTES:
        raise BodyTooLarge(f"A request body has at most {MAX_BODY_BYTES} bytes.")
    text = text.lstrip(BYTE_ORDER_MARK)
    try:
        body = json.loads(text, object_pairs_hook=_members, parse_constant=_refuse_constant, parse_int=_whole)
    except RecursionError:
        raise RequestInvalid(("body", "must not be nested so deeply")) from None
    except ValueError as error:
        raise _not_json(text, content_type, _reason(error)) from None
    if not isinstance(body, dict):
        raise RequestInvalid(("body", "must be a JSON object"))
    if len(body) > MAX_MEMBERS:
        raise RequestInvalid(("body", f"must have at most {MAX_MEMBERS} members"))
    return body


def check_encoding(content_encoding: str) -> None:
    """Reject a compressed body, and name its encoding. Raises BodyTypeUnsupported."""
    encodings = [name for name in re.findall(r"[a-z0-9-]+", content_encoding.lower()) if name != "identity"]
    if encodings:
        named = ", ".join(encodings)[:MAX_ENCODING_CHARACTERS]
        raise BodyTypeUnsupported(f"The request body has the encoding {named}; send it without Content-Encoding.")


def not_utf_8(octets: bytes, content_type: str) -> BodyNotJson | BodyTypeUnsupported:
    """Return the problem of a body that is not UTF-8, by the rule of `parse`."""
    return _not_json(octets.decode("utf-8", "replace"), content_type, "it is not UTF-8")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Reject a repeated member, because readers disagree on which one counts."""
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise RequestInvalid((f"body.{name}", "must be given only once"))
        members[name] = value
    return members


def _whole(digits: str) -> int:
    """Reject a number that Python refuses to convert, with a message of our own."""
    if len(digits) > MAX_DIGITS:
        raise RequestInvalid(("body", f"must not have a number of more than {MAX_DIGITS} digits"))
    return int(digits)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")


def _not_json(text: str, content_type: str, reason: str) -> BodyNotJson | BodyTypeUnsupported:
    declared_json = not content_type or "json" in content_type.lower()
    if not declared_json and not text.lstrip().startswith(("{", "[")):
        return BodyTypeUnsupported("The request body is not JSON; send application/json.")
    return BodyNotJson(f"The request body is not valid JSON: {reason}.")


def _reason(error: ValueError) -> str:
    if not isinstance(error, json.JSONDecodeError):
        return str(error)
    return f"{error.msg} (line {error.lineno}, column {error.colno})"
