"""Valid tokens, and every kind of invalid token."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from segmentation.access import tokens

FOREIGN_KEY = rsa.generate_private_key(65537, 2048)
FOREIGN_PUBLIC_KEY = FOREIGN_KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)


def key_id(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def claims(**changes: Any) -> dict[str, Any]:
    """Return the claims of a valid token. A claim of None is left out."""
    now = int(time.time())
    good = {
        **{"iss": tokens.ISSUER, "aud": tokens.AUDIENCE, "sub": "mira", "role": "admin"},
        **{"iat": now, "nbf": now, "exp": now + 7200, "jti": "1"},
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def signed(key: str, header: dict[str, Any] | None = None, **changes: Any) -> str:
    return jwt.encode(claims(**changes), key, "HS256", {"kid": key_id(key), **(header or {})})


def joined(header: Any, payload: Any, sign: bytes | None = None) -> str:
    """Return a token of any parts, with an HMAC by any key, or without a signature."""
    text = f"{encoded(header)}.{encoded(payload)}"
    signature = hmac.digest(sign, text.encode(), "sha256") if sign is not None else b""
    return f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def encoded(part: Any) -> str:
    octets = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def bad_claims(key: str) -> dict[str, str]:
    """Return signed tokens whose claims are wrong, by defect."""
    now = int(time.time())
    own = {"alg": "HS256", "kid": key_id(key)}
    return {
        "expired": signed(key, iat=now - 700, nbf=now - 700, exp=now - 60),
        "not yet valid": signed(key, nbf=now + 3600),
        "issued in the future": signed(key, iat=now + 3600),
        "wrong audience": signed(key, aud="urn:another:api"),
        "wrong issuer": signed(key, iss="urn:another"),
        "no issuer": signed(key, iss=None),
        "issuer that is a list": joined(own, claims(iss=[tokens.ISSUER]), key.encode()),
        "no audience": signed(key, aud=None),
        "no subject": signed(key, sub=None),
        "subject that is no text": joined(own, claims(sub=5), key.encode()),
        "no end": signed(key, exp=None),
        "endless": joined(own, json.dumps(claims(exp=1)).replace('"exp": 1,', '"exp": 1e999,').encode(), key.encode()),
        "no role": signed(key, role=None),
        "role that is none": signed(key, role="owner"),
        "role that is a list": joined(own, claims(role=["admin"]), key.encode()),
    }


def bad_signatures(key: str) -> dict[str, str]:
    """Return tokens whose signature proves nothing, by defect."""
    head, payload, signature = signed(key).split(".")
    own = {"alg": "HS256", "kid": key_id(key)}
    given = {"alg": "HS256", "jwk": {"kty": "oct", "k": encoded(b"x" * 40)}}
    return {
        "tampered payload": f"{head}.{encoded(claims(sub='mallory'))}.{signature}",
        "tampered signature": f"{head}.{payload}.{'A' * len(signature)}",
        "no signature": f"{head}.{payload}.",
        "alg none": joined({"alg": "none"}, claims()),
        "alg none and a key id": joined({**own, "alg": "none"}, claims()),
        "alg None in capitals": joined({**own, "alg": "NONE"}, claims()),
        "alg RS256 over our secret": joined({**own, "alg": "RS256"}, claims(), key.encode()),
        "alg HS512 over our secret": jwt.encode(claims(), key * 2, "HS512", {"kid": key_id(key)}),
        "signed with a public key": joined(own, claims(), FOREIGN_PUBLIC_KEY),
        "signed by another's private key": jwt.encode(claims(), FOREIGN_KEY, "RS256", {"kid": key_id(key)}),
        "unknown key id": signed("another-key" * 4),
        "no key id": jwt.encode(claims(), key, "HS256"),
        "key id that is no text": joined({"alg": "HS256", "kid": 5}, claims(), key.encode()),
        "key in the header": joined(given, claims(), b"x" * 40),
    }


def malformed(key: str) -> dict[str, str]:
    """Return texts that are no tokens of this service, by defect."""
    own = {"alg": "HS256", "kid": key_id(key)}
    return {
        "payload that is no object": joined(own, [1], key.encode()),
        "payload nested deeply": joined(own, b"[" * 4000, key.encode()),
        "header that is no object": joined([1], claims(), key.encode()),
        "garbage": "garbage",
        "dots": "..",
        "not even ASCII": "\u00e9.\u00e9.\u00e9",
        "10 kB": signed(key, padding="x" * 8000),
    }


def bad(key: str) -> dict[str, str]:
    """Return Authorization headers that the service must reject, by defect. The key is that of the service."""
    wrong = bad_claims(key) | bad_signatures(key) | malformed(key)
    headers = {what: f"Bearer {token}" for what, token in wrong.items()}
    good = signed(key)
    return headers | {
        "no scheme": good,
        "another scheme": f"Basic {good}",
        "no token": "Bearer",
        "two tokens": f"Bearer {good}, Bearer {good}",
    }
