"""A reader that is behind: how far it may be behind, and which requests never see it."""

import pytest

from segmentation.database import connection, readers, settled_ids, watermark
from segmentation.domain import feed
from tests.functions.calls import call
from tests.functions.factories import add_members, create_segments
from tests.readers.replication import kill, start_primary

SLUGS = "/segment/user/1"


def slugs(**headers):
    answer = call("list_memberships", path=SLUGS, headers=headers or None)
    assert answer.status == 200, answer.text
    return [segment["slug"] for segment in answer.json["segments"]]


@pytest.fixture
def delayed(own_standby, service):
    """A standby that replays no transaction of the next hour. It knows a segment, and not its first member."""
    create_segments("AAA")
    own_standby.start()
    own_standby.catch_up()
    create_segments("BBB")
    own_standby.catch_up()  # so that the time of a replayed transaction is known
    own_standby.ask("alter system set recovery_min_apply_delay = '1h'")
    own_standby.ask("select pg_reload_conf()")
    own_standby.wait_for("select current_setting('recovery_min_apply_delay') = '1h'")
    add_members("AAA", 1)
    own_standby.receive_all()
    return own_standby


def test_reader_within_the_bound_answers_as_of_its_last_transaction(delayed, read_from):
    read_from(delayed, max_lag=3600)

    assert slugs() == []


def test_reader_beyond_the_bound_is_not_used(delayed, read_from):
    read_from(delayed, max_lag=readers.CHECK_SECONDS)

    assert slugs() == ["AAA"]
    assert readers.state() == "lagging"


def test_lag_counts_from_the_last_transaction_that_was_replayed(delayed):
    assert delayed.lag() > 0


def test_client_that_says_no_cache_reads_its_own_write(delayed, read_from):
    read_from(delayed, max_lag=3600)

    assert slugs(**{"cache-control": "no-cache"}) == ["AAA"]
    assert slugs(**{"cache-control": "max-age=0, No-Cache"}) == ["AAA"]


def test_request_that_a_lagging_reader_lost_is_counted(delayed, read_from, log):
    read_from(delayed, max_lag=readers.CHECK_SECONDS)

    slugs()

    assert [line["ReaderFallbacks"] for line in log.lines if "ReaderFallbacks" in line] == [1]


def test_request_that_wants_the_writer_is_not_counted(delayed, read_from, log):
    read_from(delayed)

    slugs(**{"cache-control": "no-cache"})

    assert "ReaderFallbacks" not in log.text


def test_lag_is_measured_again_after_a_second(delayed, read_from, monkeypatch):
    read_from(delayed, max_lag=readers.CHECK_SECONDS)
    assert slugs() == ["AAA"]
    monkeypatch.setenv("DATABASE_READ_MAX_LAG", "3600")
    monkeypatch.setattr(readers, "CHECK_SECONDS", 0)

    assert slugs() == []


def test_idle_primary_makes_no_lag(following, service):
    create_segments("AAA")
    following.catch_up()

    assert following.lag() == 0


def test_reader_that_lost_its_primary_lags_although_it_replayed_everything(folder, own_standby):
    lost = start_primary(folder / "lost")
    own_standby.primary = lost
    own_standby.start()
    with connection.connect(lost.owner_url) as opened:
        opened.execute("comment on table segments is 'a transaction that the standby replays'")
    own_standby.catch_up()

    kill(lost.server)
    own_standby.wait_for("select not exists (select from pg_stat_wal_receiver)")

    assert own_standby.lag() > 0


def test_readers_of_aurora_report_their_lag_themselves(following, owner):
    """Aurora has its own function, and none of the positions of a stream."""
    owner.execute(
        """
        create function aurora_replica_status() returns table (session_id text, replica_lag_in_msec double precision)
        language sql as $$ values ('MASTER_SESSION_ID', null::float), ('one', 1500), ('two', 20.5) $$
        """
    )
    try:
        following.catch_up()
        assert following.lag() == 1.5
    finally:
        owner.execute("drop function aurora_replica_status()")
        following.catch_up()


def test_past_that_may_not_have_arrived_yet_is_read_from_the_writer(delayed, read_from, owner):
    read_from(delayed)
    [(now,)] = owner.execute("select now()").fetchall()

    answer = call("list_memberships", path=SLUGS, query={"at": now.isoformat()})

    assert [segment["slug"] for segment in answer.json["segments"]] == ["AAA"]


def test_past_that_has_arrived_is_read_from_the_reader(following, read_from, without_writer, owner):
    [(before,)] = owner.execute("select now() - interval '1 hour'").fetchall()
    following.catch_up()
    read_from(following, max_lag=10)
    without_writer()

    assert call("list_memberships", path=SLUGS, query={"at": before.isoformat()}).json == {"segments": []}


def test_future_is_refused_by_the_clock_of_the_writer(following, read_from):
    following.catch_up()
    read_from(following)

    assert call("list_memberships", path=SLUGS, query={"at": "2099-01-01T00:00:00Z"}).status == 422


def events(limit):
    answer = call("list_events", query={"after": "0", "limit": str(limit)})
    assert answer.status == 200, answer.text
    return [event["slug"] for event in answer.json["events"]]


@pytest.fixture
def two_events(service, owner):
    """Two events, of which the first is settled."""
    create_segments("AAA", "BBB")
    add_members("AAA", 1)
    feed.store_settled(owner)
    add_members("BBB", 1)


def test_settled_page_of_the_feed_is_read_from_the_reader(two_events, following, read_from, without_writer):
    following.catch_up()
    read_from(following)
    without_writer()

    assert events(limit=1) == ["AAA"]


def test_newest_page_of_the_feed_is_read_from_the_writer(two_events, following, read_from):
    following.catch_up()
    read_from(following)

    assert events(limit=2) == ["AAA", "BBB"]


@pytest.mark.parametrize(
    "look", [settled_ids.newest, watermark.wait_for_writers, lambda reader: watermark.settle(reader, None)]
)
def test_reader_is_never_asked_for_the_writers_of_the_primary(following, read_from, look):
    following.catch_up()
    read_from(following)

    servers = []

    def request():
        servers.append(readers.get_read_connection())
        if readers._reader.kept.is_kept(servers[-1]):
            look(servers[-1])

    readers.run(request, fresh=False)

    assert servers == [readers._reader.kept.get(), connection.get_connection()]
