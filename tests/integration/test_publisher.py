"""The publisher sends each event to the bus at least once and in order, whatever the bus and the publisher do.

The bus is moto's. A rule sends its entries to a queue, which the tests read.
"""

import json

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from segmentation.database import settled_ids
from segmentation.database.connection import connect
from segmentation.domain import event_bus, feed, publisher
from segmentation.runtime import metrics
from tests.feed import follow, page

THROTTLED = ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, "PutEvents")
AWAY = EndpointConnectionError(endpoint_url="https://events.eu-central-1.amazonaws.com")


@pytest.fixture
def bus(aws, monkeypatch):
    """A bus with a rule that sends every entry to a queue. Return a function that empties the queue."""
    monkeypatch.setenv("EVENT_BUS_NAME", "segments")
    events = boto3.client("events")
    events.create_event_bus(Name="segments")
    queue_url = aws.sqs.create_queue(QueueName="followers")["QueueUrl"]
    arn = aws.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="all", EventBusName="segments", EventPattern=json.dumps({"source": ["segmentation"]}))
    events.put_targets(Rule="all", EventBusName="segments", Targets=[{"Id": "queue", "Arn": arn}])

    def received():
        found = []
        while messages := aws.sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(json.loads(message["Body"]))
                aws.sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
        return found

    return received


@pytest.fixture
def publish(connection):
    return lambda: publisher.publish(connection, go_on=lambda: True)


@pytest.fixture
def begun(bus, publish, make_segments, change):
    """A bus that has every event so far, which is none of its own."""
    make_segments("AVITO_30", "AVITO_50")
    change(1, add_segments=["AVITO_30", "AVITO_50"])
    publish()
    assert bus() == []


@pytest.fixture
def answer(monkeypatch):
    """Let the bus answer the next requests in another way: raise an error, or refuse the entry of an index."""
    put = event_bus._client().put_events

    def answer_with(*outcomes):
        left = iter(outcomes)

        class Bus:
            def put_events(self, Entries):  # noqa: N803 -- boto3's name
                outcome = next(left, None)
                if isinstance(outcome, Exception):
                    raise outcome
                if outcome is None:
                    return put(Entries=Entries)
                taken = [each for index, each in enumerate(Entries) if index != outcome]
                answers = put(Entries=taken)["Entries"] if taken else []
                answers.insert(outcome, {"ErrorCode": "InternalFailure", "ErrorMessage": "try again"})
                return {"FailedEntryCount": 1, "Entries": answers}

        monkeypatch.setattr(event_bus, "_client", Bus)

    return answer_with


def ids(entries):
    return [event["event_id"] for entry in entries for event in entry["detail"]["events"]]


def once(entries):
    """The ids of the events in the order in which they first came."""
    return list(dict.fromkeys(ids(entries)))


@pytest.mark.usefixtures("begun")
def test_an_entry_has_the_events_of_a_segment_as_the_feed_shows_them(bus, publish, change, connection):
    change(2, add_segments=["AVITO_30"], ttl=3600)
    publish()

    [entry] = bus()
    assert (entry["source"], entry["detail-type"]) == ("segmentation", "MembershipsChanged")
    [event] = page(connection, after=2).events
    assert entry["detail"] == {"slug": "AVITO_30", "events": [event.model_dump(mode="json")]}


@pytest.mark.usefixtures("begun")
def test_published_events_are_not_published_again(bus, publish, change):
    change(2, add_segments=["AVITO_30"])
    publish()
    publish()

    assert ids(bus()) == [3]


def test_without_a_bus_nothing_is_published(connection, monkeypatch, make_segments, change):
    monkeypatch.setattr(event_bus, "put", lambda *_: pytest.fail("published"))
    make_segments("AVITO_30")
    change(1, add_segments=["AVITO_30"])
    publisher.publish(connection, go_on=lambda: True)
    publisher.record_lag(connection)

    assert connection.execute("select from feed").rowcount == 0


@pytest.mark.usefixtures("begun")
def test_another_bus_begins_at_the_newest_event(bus, publish, change, monkeypatch):
    boto3.client("events").create_event_bus(Name="another")
    monkeypatch.setenv("EVENT_BUS_NAME", "another")
    change(2, add_segments=["AVITO_30"])
    publish()
    monkeypatch.setenv("EVENT_BUS_NAME", "segments")
    publish()

    assert bus() == []


@pytest.mark.usefixtures("begun")
def test_an_entry_has_at_most_500_events_of_one_segment(owner, bus, publish):
    owner.execute("insert into users (user_id) select generate_series(100, 1299)")
    owner.execute(
        """
        insert into memberships (user_id, segment_id, added_at)
        select users.user_id, segments.segment_id, now() from users join segments on users.user_id >= 100
         order by users.user_id
        """
    )
    publish()

    entries = bus()
    assert max(len(entry["detail"]["events"]) for entry in entries) == 500
    assert all({event["slug"] for event in entry["detail"]["events"]} == {entry["detail"]["slug"]} for entry in entries)
    assert sorted(ids(entries)) == [*range(3, 2403)]


@pytest.mark.usefixtures("begun")
def test_a_request_has_at_most_ten_entries_and_the_rest_follows(bus, publish, make_segments, change):
    slugs = [f"SEGMENT_{number:02}" for number in range(25)]
    make_segments(*slugs)
    change(2, add_segments=slugs)
    publish()

    entries = bus()
    assert len(entries) == 25
    assert ids(entries) == [*range(3, 28)]


def test_a_request_stays_below_the_size_limit_of_the_bus():
    events = [feed.Event(number, "AVITO_30", "x" * 3000) for number in range(500)]

    made = event_bus.entries(events)

    assert 0 < sum(len(entry.detail()) for entry in made) < 256_000
    assert made[0].events == events[: len(made[0].events)]


@pytest.mark.usefixtures("begun")
@pytest.mark.parametrize("fault", [THROTTLED, AWAY], ids=["throttled", "away"])
def test_a_bus_that_refuses_gets_the_events_from_a_later_run(bus, publish, change, answer, fault):
    answer(fault)
    change(2, add_segments=["AVITO_30"])
    publish()
    before = bus()
    publish()

    assert before == []
    assert ids(bus()) == [3]


@pytest.mark.usefixtures("begun")
def test_a_failed_entry_of_ten_is_sent_again_with_all_after_it(bus, publish, make_segments, change, answer):
    slugs = [f"SEGMENT_{number}" for number in range(10)]
    make_segments(*slugs)
    change(2, add_segments=slugs)
    answer(4)
    publish()
    first = bus()
    publish()
    second = bus()

    assert ids(first) == [3, 4, 5, 6, 8, 9, 10, 11, 12]
    assert ids(second) == [*range(7, 13)]


@pytest.mark.usefixtures("begun")
def test_a_publisher_that_dies_before_its_commit_publishes_again(bus, publish, change, monkeypatch, migrated_database):
    change(2, add_segments=["AVITO_30"])
    with monkeypatch.context() as patched, connect(migrated_database.url) as dying:
        patched.setattr(publisher, "_move", lambda connection, _: connection.close())
        with pytest.raises(Exception, match="closed"):
            publisher.publish(dying, go_on=lambda: True)
    publish()

    assert ids(bus()) == [3, 3]


@pytest.mark.usefixtures("begun")
def test_only_one_session_publishes_at_a_time(bus, change, connection, monkeypatch, migrated_database):
    change(2, add_segments=["AVITO_30"])
    put = event_bus.put

    def put_beside_another(*arguments):
        with connect(migrated_database.url) as other:
            publisher.publish(other, go_on=lambda: True)
        return put(*arguments)

    monkeypatch.setattr(event_bus, "put", put_beside_another)
    publisher.publish(connection, go_on=lambda: True)

    assert ids(bus()) == [3]


@pytest.mark.usefixtures("begun")
def test_a_run_without_time_publishes_nothing(bus, connection, change):
    change(2, add_segments=["AVITO_30"])
    publisher.publish(connection, go_on=lambda: False)

    assert bus() == []


@pytest.mark.usefixtures("begun")
def test_the_lag_grows_until_the_bus_has_every_event(owner, publish, connection, change, answer):
    owner.execute("update feed set complete_at = now() - interval '10 minutes'")
    answer(AWAY)
    change(2, add_segments=["AVITO_30"])
    publish()
    publisher.record_lag(connection)
    late = metrics._values["EventLag"]
    publish()
    publisher.record_lag(connection)

    assert late >= 600
    assert metrics._values["EventLag"] < 600


@pytest.mark.usefixtures("begun")
def test_events_that_wait_for_a_writer_count_as_lag(owner, publish, connection, monkeypatch):
    owner.execute("update feed set complete_at = now() - interval '10 minutes'")
    monkeypatch.setattr(settled_ids, "newest", lambda connection: None)
    publish()
    publisher.record_lag(connection)

    assert metrics._values["EventLag"] >= 600


@pytest.mark.usefixtures("begun")
def test_a_removed_bus_is_forgotten(bus, publish, connection, change, monkeypatch):
    monkeypatch.delenv("EVENT_BUS_NAME")
    publisher.record_lag(connection)
    change(2, add_segments=["AVITO_30"])
    monkeypatch.setenv("EVENT_BUS_NAME", "segments")
    publish()
    change(3, add_segments=["AVITO_30"])
    publish()

    assert once(bus()) == [follow(connection)[-1].event_id]
