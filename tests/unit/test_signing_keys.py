"""The keys of our own tokens: the current key signs, the previous one is still valid, and keys rotate without a gap."""

import json

import pytest

from segmentation.access import signing_keys
from segmentation.access.signing_keys import KeysUnusable
from segmentation.runtime.secrets_manager import SecretUnreadable
from tests.fake_clock import FakeClock

OLD, NEW, NEXT = "old" * 20, "new" * 20, "next" * 20


@pytest.fixture
def set_keys(monkeypatch):
    """Put these keys into the environment, where the service reads them."""

    def put(**keys):
        monkeypatch.setenv("SIGNING_KEYS", json.dumps(keys))

    signing_keys.forget()
    yield put
    signing_keys.forget()


@pytest.fixture
def clock(monkeypatch):
    """Replace the clock by one that a test sets."""

    fake = FakeClock(1000.0)
    monkeypatch.setattr(signing_keys, "time", fake)
    return fake


def test_the_current_key_signs(set_keys):
    set_keys(current=NEW, previous=OLD)

    assert signing_keys.current()[1] == NEW


def test_both_keys_are_valid(set_keys):
    set_keys(current=OLD)
    old_id, _ = signing_keys.current()
    set_keys(current=NEW, previous=OLD)
    signing_keys.forget()

    assert signing_keys.find(old_id) == OLD
    assert signing_keys.find(signing_keys.current()[0]) == NEW


def test_an_environment_that_cached_the_old_key_finds_the_new_one(set_keys, clock):
    set_keys(current=NEW, previous=OLD)
    new_id, _ = signing_keys.current()
    signing_keys.forget()
    set_keys(current=OLD)
    signing_keys.current()
    clock.now += signing_keys.RETRY_SECONDS + 1
    set_keys(current=NEW, previous=OLD)

    assert signing_keys.find(new_id) == NEW


def test_unknown_ids_cause_one_read_only(set_keys, clock, monkeypatch):
    set_keys(current=NEW)
    reads = []
    monkeypatch.setattr(signing_keys.settings, "signing_keys", lambda: reads.append(1) or json.dumps({"current": NEW}))

    found = [signing_keys.find(f"unknown-{number}") for number in range(100)]

    assert found == [None] * 100
    assert len(reads) == 1


def test_known_keys_stay_valid_while_their_secret_cannot_be_read(set_keys, clock, monkeypatch):
    set_keys(current=OLD)
    old_id, _ = signing_keys.current()
    monkeypatch.setattr(signing_keys.settings, "signing_keys", unreadable)
    clock.now += signing_keys.FRESH_SECONDS + 1

    assert signing_keys.find(old_id) == OLD


def test_an_unreadable_secret_is_an_error_if_no_key_is_known(set_keys, monkeypatch):
    monkeypatch.setattr(signing_keys.settings, "signing_keys", unreadable)

    with pytest.raises(SecretUnreadable):
        signing_keys.current()


def unreadable():
    raise SecretUnreadable


def test_a_removed_key_is_valid_for_five_minutes_at_most(set_keys, clock):
    set_keys(current=OLD)
    old_id, _ = signing_keys.current()
    set_keys(current=NEXT, previous=NEW)
    clock.now += signing_keys.FRESH_SECONDS + 1

    assert signing_keys.find(old_id) is None


def test_a_key_removed_ten_seconds_ago_signs_no_token(set_keys, clock):
    set_keys(current=OLD)
    signing_keys.current()
    set_keys(current=NEW)
    clock.now += signing_keys.RETRY_SECONDS + 1

    assert signing_keys.current()[1] == NEW


@pytest.mark.parametrize("seconds", [-1, 1])
def test_a_key_expires_even_if_the_clock_was_set_back(set_keys, clock, seconds):
    set_keys(current=OLD)
    old_id, _ = signing_keys.current()
    set_keys(current=NEW)
    clock.now += seconds * (signing_keys.FRESH_SECONDS + 1)

    assert signing_keys.find(old_id) is None


@pytest.mark.parametrize("key_id", [None, 5, [], {}, ""])
def test_an_invalid_id_finds_no_key(set_keys, key_id):
    set_keys(current=NEW)

    assert signing_keys.find(key_id) is None


@pytest.mark.parametrize(
    "keys", [{}, {"current": ""}, {"current": "short"}, {"current": None}, {"current": 5}, {"previous": OLD}]
)
def test_no_token_is_signed_without_a_valid_key(set_keys, keys):
    set_keys(**keys)

    with pytest.raises(KeysUnusable):
        signing_keys.current()


@pytest.mark.parametrize("text", ["not json", "5", "null", '["current"]'])
def test_a_malformed_secret_is_an_error(monkeypatch, set_keys, text):
    monkeypatch.setenv("SIGNING_KEYS", text)

    with pytest.raises(KeysUnusable):
        signing_keys.current()


def test_a_short_previous_key_is_refused_too(set_keys):
    set_keys(current=NEW, previous="short")

    with pytest.raises(KeysUnusable):
        signing_keys.current()
