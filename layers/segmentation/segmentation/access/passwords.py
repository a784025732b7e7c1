"""Hash and check passwords. Only argon2id hashes are stored."""

import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from segmentation.contract.values import MAX_PASSWORD

MOST_CHARACTERS = 8 * MAX_PASSWORD
"""The longest input, in code points. Normalization combines several into one. It takes minutes for a huge input."""

_HASHER = PasswordHasher()  # the library's defaults: RFC 9106, section 4, its second recommended option

DUMMY_HASH = "$argon2id$v=19$m=65536,t=3,p=4$1ckPEiWWLZmlPtThoO1CYg$hrEpl+WD4wiJ+efp3hZmJTAdGUIRQOuh0LPrwOg9Zjk"
"""The hash of a discarded random password. Its check takes as long as the check of a real hash."""


def hashed(password: str) -> str:
    """Return the hash of a password."""
    return _HASHER.hash(_prepared(password))


def matches(password: str, password_hash: str) -> bool:
    """Return whether the hash is that of the password. The time does not depend on the answer."""
    try:
        return _HASHER.verify(password_hash, _prepared(password))
    except VerifyMismatchError:
        return False


def _prepared(password: str) -> bytes:
    """Normalize a password, because keyboards differ in how they encode characters (NIST SP 800-63B, section 5.1.1.2).

    JSON can contain a lone surrogate, which UTF-8 cannot encode. It is compared like any other character.
    """
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
