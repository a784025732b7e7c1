"""Passwords: the hash is slow on purpose, and a comparison covers the whole password."""

import argon2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from segmentation.access import passwords

PASSWORD = "correct horse battery staple"  # noqa: S105 -- used in these tests only


@pytest.fixture(scope="module")
def password_hash():
    return passwords.hashed(PASSWORD)


def test_a_hash_is_argon2id_with_the_parameters_of_rfc_9106(password_hash):
    found = argon2.extract_parameters(password_hash)

    assert found == argon2.profiles.RFC_9106_LOW_MEMORY
    assert found.type is argon2.Type.ID


def test_the_hash_for_unknown_names_costs_as_much_as_a_real_one(password_hash):
    assert argon2.extract_parameters(passwords.DUMMY_HASH) == argon2.extract_parameters(password_hash)


def test_two_hashes_of_a_password_differ(password_hash):
    assert passwords.hashed(PASSWORD) != password_hash


def test_only_the_whole_password_matches(password_hash):
    assert passwords.matches(PASSWORD, password_hash)
    assert not passwords.matches(PASSWORD[:-1], password_hash)
    assert not passwords.matches(PASSWORD + "\x00", password_hash)
    assert not passwords.matches("", password_hash)


@settings(max_examples=20)
@given(st.text(st.characters(codec=None)))
@example("\ud800")
def test_any_text_can_be_compared(text):
    assert not passwords.matches(f"not {PASSWORD}{text}", passwords.DUMMY_HASH)


def test_composed_and_decomposed_letters_are_the_same_password():
    assert passwords.matches("e\u0301te\u0301 2023", passwords.hashed("\u00e9t\u00e9 2023"))
