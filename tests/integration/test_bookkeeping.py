"""The comparison of the history with the clients' answers finds a lost or doubled change."""

from collections import Counter

import pytest

from tests.bookkeeping import Told, assert_exactly_once


@pytest.fixture
def told(make_segments, change):
    """The answers to a client that adds user 1 to two segments and removes the user from one."""
    make_segments("AAA", "BBB")
    told = Told()
    told.change(1, change(1, add_segments=["AAA", "BBB"]).model_dump())
    told.change(1, change(1, delete_segments=["AAA"]).model_dump())
    return told


def test_history_that_matches_the_answers_passes(told, owner):
    assert (told.added, told.deleted) == (Counter({1: 2}), Counter({1: 1}))

    assert_exactly_once(owner, told)


@pytest.mark.parametrize("kind", ["added", "deleted", "lifetimes"])
@pytest.mark.parametrize("difference", [-1, 1])
def test_one_change_too_few_or_too_many_is_found(told, owner, kind, difference):
    getattr(told, kind)[1] += difference

    with pytest.raises(AssertionError):
        assert_exactly_once(owner, told)


def test_change_of_another_user_does_not_hide_a_lost_one(told, owner):
    told.added = Counter({1: 1, 2: 1})

    with pytest.raises(AssertionError):
        assert_exactly_once(owner, told)


@pytest.mark.parametrize("users", [[1, 1], [1, 7]])
def test_user_registered_twice_or_lost_is_found(told, owner, users):
    told.users = users

    with pytest.raises(AssertionError):
        assert_exactly_once(owner, told)
