"""The runtime of AWS is frozen and thawed, times out, or is killed. The next request and the next delivery succeed.

ROLLOUT_USERS sets the number of users in the rollout whose worker times out.
"""

import json
import os
import signal
import threading
import time
from contextlib import contextmanager

import boto3
import pytest

from local import postgres, supervisor
from segmentation.database import kept_connection
from segmentation.domain.rollouts import job as rollout_job
from segmentation.jobs import leases
from tests import law
from tests.chaos.execution_environment import SECONDS, Environments
from tests.chaos.killable_worker import delivery_of
from tests.e2e.waiting import eventually
from tests.functions.calls import payload, sample
from tests.functions.keys import KEY, everything
from tests.stopwatch import Stopwatch

pytestmark = pytest.mark.skipif(not supervisor.LINUX, reason="the runtime interface emulator of AWS needs Linux")

USERS = int(os.environ.get("ROLLOUT_USERS", "100000"))
BATCH_SECONDS = SECONDS + USERS // 100_000
"""Longer than counting the users and enrolling one batch take on a slow machine."""

ANSWER_SECONDS = 2
UNREACHABLE_SECONDS = 4
"""The time limits of checking the connection and of opening another one."""

NOTICE_SECONDS = 1.5
"""Postgres checks twice a second whether the client is connected. This covers a check and the repeated request."""

NO_JOB = "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa"
ADD_DELAY = """
create table delays (members bigint);
create function delay_insert() returns trigger language plpgsql security definer as $$
begin
    perform pg_sleep(60) from delays where delays.members <= (select count(*) from memberships);
    return null;
end
$$;
create trigger delay_insert before insert on memberships for each statement execute function delay_insert();
"""
REMOVE_DELAY = "drop trigger delay_insert on memberships; drop function delay_insert; drop table delays"
KILL_LOGINS = "select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'segmentation_login'"
LOGINS = "select pid from pg_stat_activity where usename = 'segmentation_login'"
WAITING = "select from pg_stat_activity where wait_event = 'PgSleep'"
COUNTS = """
select (select count(*) from memberships), (select count(*) from history where action_id = 1),
       (select count(*) from history), (select count(distinct (user_id, segment_id)) from history)
"""


@pytest.fixture
def environments(empty_database, moto_url, tmp_path):
    place = {"AWS_ACCESS_KEY_ID": "of-a-test", "AWS_SECRET_ACCESS_KEY": "of-a-test", "AWS_ENDPOINT_URL": moto_url}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (place | {"AWS_DEFAULT_REGION": "us-east-1"}).items():
            patch.setenv(name, value)
        queue = {"JOBS_QUEUE_URL": boto3.client("sqs").create_queue(QueueName="jobs")["QueueUrl"]}
    made = Environments(
        tmp_path, {"DATABASE_URL": empty_database.url, "PYTHONPYCACHEPREFIX": str(tmp_path)} | place | queue
    )
    yield made
    made.stop()


@pytest.fixture
def reader(environments):
    return environments.start("list_memberships", sample("list_memberships"))


def read(environment):
    with Stopwatch() as stopwatch:
        answer = environment.invoke_route(sample("list_memberships"))
    return answer["statusCode"], stopwatch.seconds, answer["headers"]


@contextmanager
def silent(*processes):
    """Stop processes: their sockets accept data, but nothing answers."""
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)


@pytest.fixture
def delay_from(superuser):
    """Delay an insert into memberships by a minute once there are this many of them."""
    superuser.execute(ADD_DELAY)

    def delay(members):
        superuser.execute("delete from delays")
        superuser.execute("insert into delays select %s where %s::bigint is not null", (members, members))

    yield delay
    superuser.execute(KILL_LOGINS)
    superuser.execute(REMOVE_DELAY)


def test_thawed_environment_whose_connection_was_ended_answers_in_time(reader, superuser):
    with reader.frozen():
        superuser.execute(KILL_LOGINS)

    status, seconds, _ = read(reader)

    assert status == 200
    assert seconds < ANSWER_SECONDS


def test_thawed_environment_whose_connection_fell_silent_answers_in_time(reader, superuser):
    [(server_process,)] = superuser.execute(LOGINS).fetchall()
    with reader.frozen():
        time.sleep(kept_connection.IDLE_SECONDS + 0.1)

    with silent(server_process):
        status, seconds, _ = read(reader)

    assert status == 200
    assert seconds < ANSWER_SECONDS


def test_thawed_environment_whose_database_fell_silent_is_503_in_time_and_recovers(reader, superuser, postgres_server):
    [(server_process,)] = superuser.execute(LOGINS).fetchall()
    with reader.frozen():
        time.sleep(kept_connection.IDLE_SECONDS + 0.1)

    with silent(server_process, int(postgres.read_lock(postgres_server.data)[0])):
        status, seconds, headers = read(reader)

    assert (status, "Retry-After" in headers) == (503, True)
    assert seconds < UNREACHABLE_SECONDS
    assert read(reader)[0] == 200


def segment_request(**body):
    event = sample("create_segment") | payload(body, base64=False)
    event["headers"]["idempotency-key"] = KEY
    return event


def rollout_request():
    return segment_request(slug="AAA", user_percent=60)


def start_creator(environments, seconds=SECONDS):
    return environments.start("create_segment", segment_request(slug="!"), seconds=seconds)


def time_out(environment, superuser):
    assert b"Task timed out" in environment.invoke(rollout_request()).payload


def kill_during_the_request(environment, superuser):
    invoking = threading.Thread(target=environment.invoke, args=(rollout_request(),))
    invoking.start()
    eventually(lambda: superuser.execute(WAITING).rowcount)
    environment.kill()
    invoking.join()


@pytest.mark.parametrize("end", [time_out, kill_during_the_request])
def test_request_whose_environment_ended_leaves_nothing_and_its_key_free_in_time(
    environments, delay_from, owner, superuser, end
):
    owner.execute("insert into users (user_id) select generate_series(1, 100)")
    ending, other = start_creator(environments), start_creator(environments)
    before = everything(owner)
    delay_from(0)

    with Stopwatch() as stopwatch:
        end(ending, superuser)
        delay_from(None)
        assert everything(owner) == before
        while (answer := other.invoke_route(rollout_request()))["statusCode"] == 409:
            time.sleep(0.05)

    assert stopwatch.seconds < SECONDS + NOTICE_SECONDS
    assert (answer["statusCode"], json.loads(answer["body"])["users_added"]) == (201, 60)
    law.check(owner)


def test_worker_out_of_time_in_a_batch_is_followed_by_one_that_loses_nothing(
    environments, delay_from, owner, superuser
):
    owner.execute("insert into users (user_id) select generate_series(1, %s)", (USERS,))
    ordered = json.loads(start_creator(environments, BATCH_SECONDS).invoke_route(rollout_request())["body"])
    delivery = delivery_of(ordered["job_id"])
    worker = environments.start("run_job", delivery_of(NO_JOB), seconds=BATCH_SECONDS)
    delay_from(2 * rollout_job.BATCH_CHANGES)

    while not worker.invoke(delivery).failed:
        pass
    eventually(lambda: not superuser.execute(WAITING).rowcount)
    interrupted = leases.get(owner, ordered["job_id"])
    assert interrupted.done == owner.execute("select from memberships").rowcount
    # each batch rounds its share of the remaining users up or down at random
    assert 0 <= interrupted.done - 2 * rollout_job.BATCH_CHANGES <= 2

    delay_from(None)
    owner.execute("update jobs set leased_until = now()")
    while leases.get(owner, ordered["job_id"]).finished_at is None:
        assert not worker.invoke(delivery).failed

    members = USERS * 60 // 100
    assert leases.get(owner, ordered["job_id"]).result == {"users_added": members, "users_deleted": 0}
    assert owner.execute(COUNTS).fetchone() == (members,) * 4
