"""Fetch and cache the public keys of an OpenID provider."""

import json
import logging
import time
import urllib.request
from dataclasses import dataclass, field
from typing import Any

import jwt

FRESH_SECONDS = 3600
RETRY_SECONDS = 30
"""The shortest time between two fetches. Tokens with invented key ids then cause few fetches."""

TIMEOUT_SECONDS = 2
MAX_BYTES = 512 * 1024
_log = logging.getLogger(__name__)
ALGORITHMS: dict[tuple[Any, Any], str] = {("RSA", None): "RS256", ("EC", "P-256"): "ES256"}
"""The algorithm of each key type and curve. The key decides it, never the token."""


@dataclass
class KeySet:
    """The keys of one provider, fetched at their first use."""

    issuer: str
    keys: dict[str, jwt.PyJWK] = field(default_factory=dict)
    fetched_at: float = -float("inf")
    tried_at: float = -float("inf")

    def find(self, key_id: object) -> jwt.PyJWK | None:
        """Return the key with this id, or None. Cached keys stay valid while the provider cannot be reached."""
        if not isinstance(key_id, str):
            return None
        now = time.time()  # not monotonic(): that clock stops while an environment is frozen
        missing = key_id not in self.keys or abs(now - self.fetched_at) > FRESH_SECONDS
        if missing and abs(now - self.tried_at) > RETRY_SECONDS:
            self.tried_at = now
            self._fetch()
        return self.keys.get(key_id)

    def _fetch(self) -> None:
        try:
            found = _get(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
            if found["issuer"] != self.issuer:
                raise ValueError(f"the provider names the issuer {found['issuer']}")
            keys = [_usable(key) for key in _get(found["jwks_uri"])["keys"]]
            self.keys = {key.key_id: key for key in keys if key and key.key_id}
            self.fetched_at = self.tried_at
        except (OSError, ValueError, KeyError, TypeError) as error:
            _log.warning("the provider's keys could not be fetched: %s: %s", type(error).__name__, str(error)[:200])


def _get(url: str) -> Any:
    if not url.startswith(("https://", "http://127.0.0.1:")):
        raise ValueError(f"{url[:100]} is not an https address")
    with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310 # nosec B310 -- the scheme is checked above
        return json.loads(response.read(MAX_BYTES))


def _usable(key: Any) -> jwt.PyJWK | None:
    """Return a key if it signs with RS256 or ES256, or None. Other keys are no error."""
    algorithm = ALGORITHMS.get((key.get("kty"), key.get("crv"))) if isinstance(key, dict) else None
    if algorithm is None or key.get("use", "sig") != "sig" or key.get("alg", algorithm) != algorithm:
        return None
    try:
        return jwt.PyJWK(key, algorithm)
    except jwt.PyJWTError:
        return None
