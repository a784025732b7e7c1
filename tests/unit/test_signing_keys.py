"""The keys of our own tokens: one that signs, one that is still good, and a change between them without a gap."""

import json

import pytest

from segmentation.access import signing_keys
from segmentation.access.signing_keys import KeysUnusable
from segmentation.runtime.secrets_manager import SecretUnreadable

OLD, NEW, NEXT = "old" * 20, "new" * 20, "next" * 20


@pytest.fixture
def keep(monkeypatch):
    """Put these keys where the service reads them."""

    def put(**keys):
        monkeypatch.setenv("SIGNING_KEYS", json.dumps(keys))

    signing_keys.forget()
    yield put
    signing_keys.forget()


@pytest.fixture
def clock(monkeypatch):
    """A clock that tests set."""

    class Clock:
        now = 1000.0

        def time(self):
            return self.now

        def monotonic(self):
            return 1000.0  # as if the environment had been frozen all the while

    told = Clock()
    monkeypatch.setattr(signing_keys, "time", told)
    return told


def test_the_current_key_signs(keep):
    keep(current=NEW, previous=OLD)

    assert signing_keys.current()[1] == NEW


def test_both_keys_are_good(keep):
    keep(current=OLD)
    old_id, _ = signing_keys.current()
    keep(current=NEW, previous=OLD)
    signing_keys.forget()

    assert signing_keys.find(old_id) == OLD
    assert signing_keys.find(signing_keys.current()[0]) == NEW


def test_a_new_key_is_found_by_an_environment_that_knew_the_old_one(keep, clock):
    keep(current=NEW, previous=OLD)
    new_id, _ = signing_keys.current()
    signing_keys.forget()
    keep(current=OLD)
    signing_keys.current()
    clock.now += signing_keys.RETRY_SECONDS + 1
    keep(current=NEW, previous=OLD)

    assert signing_keys.find(new_id) == NEW


def test_unknown_ids_make_no_storm_of_reads(keep, clock, monkeypatch):
    keep(current=NEW)
    reads = []
    monkeypatch.setattr(signing_keys.settings, "signing_keys", lambda: reads.append(1) or json.dumps({"current": NEW}))

    found = [signing_keys.find(f"unknown-{number}") for number in range(100)]

    assert found == [None] * 100
    assert len(reads) == 1


def test_known_keys_stay_good_while_their_secret_cannot_be_read(keep, clock, monkeypatch):
    keep(current=OLD)
    old_id, _ = signing_keys.current()
    monkeypatch.setattr(signing_keys.settings, "signing_keys", unreadable)
    clock.now += signing_keys.FRESH_SECONDS + 1

    assert signing_keys.find(old_id) == OLD


def test_without_a_known_key_an_unreadable_secret_is_an_error(keep, monkeypatch):
    monkeypatch.setattr(signing_keys.settings, "signing_keys", unreadable)

    with pytest.raises(SecretUnreadable):
        signing_keys.current()


def unreadable():
    raise SecretUnreadable


def test_a_key_that_was_taken_away_is_good_for_five_minutes_at_the_most(keep, clock):
    keep(current=OLD)
    old_id, _ = signing_keys.current()
    keep(current=NEXT, previous=NEW)
    clock.now += signing_keys.FRESH_SECONDS + 1

    assert signing_keys.find(old_id) is None


def test_nobody_is_signed_in_with_a_key_that_was_taken_away_ten_seconds_ago(keep, clock):
    keep(current=OLD)
    signing_keys.current()
    keep(current=NEW)
    clock.now += signing_keys.RETRY_SECONDS + 1

    assert signing_keys.current()[1] == NEW


@pytest.mark.parametrize("seconds", [-1, 1])
def test_age_of_a_key_counts_from_a_clock_that_was_set_back_too(keep, clock, seconds):
    keep(current=OLD)
    old_id, _ = signing_keys.current()
    keep(current=NEW)
    clock.now += seconds * (signing_keys.FRESH_SECONDS + 1)

    assert signing_keys.find(old_id) is None


@pytest.mark.parametrize("key_id", [None, 5, [], {}, ""])
def test_what_is_no_id_finds_no_key(keep, key_id):
    keep(current=NEW)

    assert signing_keys.find(key_id) is None


@pytest.mark.parametrize(
    "keys", [{}, {"current": ""}, {"current": "short"}, {"current": None}, {"current": 5}, {"previous": OLD}]
)
def test_nothing_is_signed_without_a_proper_key(keep, keys):
    keep(**keys)

    with pytest.raises(KeysUnusable):
        signing_keys.current()


@pytest.mark.parametrize("text", ["not json", "5", "null", '["current"]'])
def test_a_secret_of_another_form_is_a_fault_of_ours(monkeypatch, keep, text):
    monkeypatch.setenv("SIGNING_KEYS", text)

    with pytest.raises(KeysUnusable):
        signing_keys.current()


def test_a_short_previous_key_is_refused_too(keep):
    keep(current=NEW, previous="short")

    with pytest.raises(KeysUnusable):
        signing_keys.current()
