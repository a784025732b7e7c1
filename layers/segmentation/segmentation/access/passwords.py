"""Passwords: kept as argon2id hashes only."""

import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from segmentation.contract.values import MAX_PASSWORD

MOST_CHARACTERS = 8 * MAX_PASSWORD
"""Of a password as it is typed: a character may come in pieces. To bring very many into order takes minutes."""

_HASHER = PasswordHasher()  # the library's defaults: RFC 9106, section 4, its second recommended option

NOBODYS_HASH = "$argon2id$v=19$m=65536,t=3,p=4$1ckPEiWWLZmlPtThoO1CYg$hrEpl+WD4wiJ+efp3hZmJTAdGUIRQOuh0LPrwOg9Zjk"
"""Of a password that was thrown away, with the parameters of all others: to check it takes as long."""


def hashed(password: str) -> str:
    """Return what may be kept of a password."""
    return _HASHER.hash(_prepared(password))


def matches(password: str, password_hash: str) -> bool:
    """Tell whether a hash was made of this password, in a time that does not depend on the answer."""
    try:
        return _HASHER.verify(password_hash, _prepared(password))
    except VerifyMismatchError:
        return False


def _prepared(password: str) -> bytes:
    """Bring the same characters, typed on different keyboards, into one form (NIST SP 800-63B, section 5.1.1.2).

    A lone surrogate, which JSON can name and UTF-8 has no bytes for, is compared like any other character.
    """
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
