"""The keys that sign our own tokens: the current one, and the previous one while its tokens live."""

import hashlib
import json
import logging
import time
from typing import Any

from segmentation.runtime import settings
from segmentation.runtime.secrets_manager import SecretUnreadable

MIN_LENGTH = 32
FRESH_SECONDS = 300
"""How long a key that was removed from the secret may stay valid here."""

RETRY_SECONDS = 10
"""The shortest time between two reads of the secret. Tokens with invented key ids then cause few reads."""

_log = logging.getLogger(__name__)
_known: dict[str, str] = {}
_read_at = -float("inf")


class KeysUnusable(Exception):
    """The secret of the signing keys must have `current`, and may have `previous`, each of at least 32 characters."""


def current() -> tuple[str, str]:
    """Return the id and the key to sign with. Frequent reads keep removed keys from signing new tokens."""
    return next(iter(_keys(RETRY_SECONDS).items()))


def find(key_id: object) -> str | None:
    """Return the key with this id, or None. For an unknown id the secret is read again."""
    if not isinstance(key_id, str):
        return None
    return _keys(FRESH_SECONDS).get(key_id) or _keys(RETRY_SECONDS).get(key_id)


def forget() -> None:
    """Drop the cached keys. The next use reads the secret."""
    global _known, _read_at
    _known, _read_at = {}, -float("inf")


def _keys(at_most_seconds_old: float) -> dict[str, str]:
    global _known, _read_at
    now = time.time()  # not monotonic(): that clock stops while an environment is frozen
    if abs(now - _read_at) > at_most_seconds_old:
        try:
            _known = _by_id(settings.signing_keys())
        except SecretUnreadable:
            if not _known:
                raise
            _log.warning("the signing keys could not be read again")  # cached keys stay valid during a short outage
        _read_at = now
    return _known


def _by_id(text: str) -> dict[str, str]:
    """Return the keys by id, the current one first. A key's id is a digest of it, so ids need no management."""
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
