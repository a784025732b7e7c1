"""The pooler stops, is away, and returns."""

from segmentation.domain import segments
from tests.chaos.chaos_database import assert_refused_in_time
from tests.e2e.waiting import eventually
from tests.functions.calls import call
from tests.functions.factories import change, create_segments, done, rows
from tests.functions.keys import KEY, under
from tests.functions.test_interrupted_requests import followed_by


def create_segment():
    return call("create_segment", {"slug": "AAA"}, headers=under(KEY))


def test_pooler_restart_between_two_requests_has_no_effect(service, pooler):
    pooler.start()
    done(call("list_users"))

    pooler.stop()
    pooler.start()

    assert call("list_users").status == 200


def test_request_without_a_pooler_is_503_in_time_until_the_pooler_returns(service, pooler):
    pooler.start()
    create_segments("AAA")
    pooler.stop()
    assert_refused_in_time(lambda: change(1, add=("AAA",)))

    pooler.start()

    assert done(change(1, add=("AAA",))) == {"segments_added": 1, "segments_deleted": 0}


def test_request_whose_pooler_dies_is_rolled_back_and_its_repeat_succeeds(service, pooler, owner, monkeypatch):
    pooler.start()
    with monkeypatch.context() as patch:
        patch.setattr(segments, "create", followed_by(segments.create, lambda _: pooler.stop()))
        assert_refused_in_time(create_segment)
    assert rows(owner) == (0, 0, 0, 0)

    pooler.start()

    assert eventually(lambda: create_segment().status == 201)  # 409 until the server has rolled back the first request
    assert rows(owner) == (0, 1, 0, 0)
