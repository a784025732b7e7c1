"""The keys that our own tokens are signed with: one in use, and the one before it for as long as its tokens live."""

import hashlib
import json
import logging
import time
from typing import Any

from segmentation.runtime import settings
from segmentation.runtime.secrets_manager import SecretUnreadable

MIN_LENGTH = 32
FRESH_SECONDS = 300
"""How long a key that was taken out of the secret may still count here."""

RETRY_SECONDS = 10
"""The shortest time between two looks at the secret: tokens that name keys of their own make no storm of them."""

_log = logging.getLogger(__name__)
_known: dict[str, str] = {}
_read_at = -float("inf")


class KeysUnusable(Exception):
    """The secret of the signing keys must hold `current`, and may hold `previous`, of 32 characters or more."""


def current() -> tuple[str, str]:
    """Return the id and the key to sign with: nearly as it stands in the secret, so that nobody gets a dead token."""
    return next(iter(_keys(RETRY_SECONDS).items()))


def find(key_id: object) -> str | None:
    """Return the key of this id, looking into the secret again where it is a new one."""
    if not isinstance(key_id, str):
        return None
    return _keys(FRESH_SECONDS).get(key_id) or _keys(RETRY_SECONDS).get(key_id)


def forget() -> None:
    """Know no key any more, and look into the secret at the next use."""
    global _known, _read_at
    _known, _read_at = {}, -float("inf")


def _keys(at_most_seconds_old: float) -> dict[str, str]:
    global _known, _read_at
    now = time.time()  # a monotonic clock stands still while an environment is frozen
    if abs(now - _read_at) > at_most_seconds_old:
        try:
            _known = _by_id(settings.signing_keys())
        except SecretUnreadable:
            if not _known:
                raise
            _log.warning("signing keys not read again")  # a store that is away for a moment locks nobody out
        _read_at = now
    return _known


def _by_id(text: str) -> dict[str, str]:
    """Name each key by a digest of it, so that nobody has to number them; the current one comes first."""
    secret = _members(text)
    keys = [secret.get("current"), *([secret["previous"]] if secret.get("previous") else [])]
    if any(not isinstance(key, str) or len(key) < MIN_LENGTH for key in keys):
        raise KeysUnusable(KeysUnusable.__doc__)
    return {hashlib.sha256(key.encode()).hexdigest()[:16]: key for key in keys}


def _members(text: str) -> dict[str, Any]:
    try:
        return dict(json.loads(text))
    except (TypeError, ValueError):
        raise KeysUnusable(KeysUnusable.__doc__) from None
