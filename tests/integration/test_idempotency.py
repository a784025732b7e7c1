"""Concurrent requests under one key, and a sender that dies. The connections and the process are real.

KEY_ROUNDS sets the number of rounds of concurrent requests.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from segmentation.api import idempotency
from segmentation.contract.problems import IdempotencyKeyInUse
from segmentation.contract.requests import MembershipChange
from segmentation.database.connection import connect
from segmentation.domain import memberships

ROUNDS = int(os.environ.get("KEY_ROUNDS", "200"))
SENDERS = 4
STATEMENT_SECONDS = 60
DIE_IN_A_TRANSACTION = f"""
import sys
from segmentation.database.connection import connect
from tests.integration.test_idempotency import add_once

def sleep_after_the_write(connection):
    connection.execute("select 1 from memberships")
    print("written", flush=True)
    connection.execute("select pg_sleep({STATEMENT_SECONDS})")

with connect(sys.argv[1]) as connection:
    add_once(connection, "key", then=sleep_after_the_write)
"""  # noqa: S608 -- the program's SQL has no input


def add_once(connection, key, user_id=1, *, then=lambda connection: None):
    """Add a user to a segment under a key. Return the number of added segments, "in use" or "replayed"."""
    request = idempotency.request(key, scope=("analyst", "POST", "/segment/user"), content=user_id)
    wanted = MembershipChange(user_id=user_id, add_segments=["AVITO_30"])

    def execute():
        changed = memberships.change(connection, wanted, actor="analyst")
        then(connection)
        return idempotency.Answer(200, {}, str(changed.segments_added))

    try:
        answer, is_kept = idempotency.once(connection, request, execute)
    except IdempotencyKeyInUse:
        return "in use"
    return "replayed" if is_kept and answer.body == "1" else answer.body


def add_in_one_statement(connection, key, user_id):
    """Do the same as the route does: the statement of the change stores its answer."""
    request = idempotency.request(key, scope=("analyst", "POST", "/segment/user"), content=user_id)
    wanted = MembershipChange(user_id=user_id, add_segments=["AVITO_30"])

    def execute():
        changed = memberships.change(connection, wanted, actor="analyst")
        return idempotency.Answer(200, {}, changed.model_dump_json())

    try:
        answer, is_stored = idempotency.once_in_one_statement(request, execute)
    except IdempotencyKeyInUse:
        return "in use"
    return "replayed" if is_stored else str(json.loads(answer.body)["segments_added"])


@pytest.fixture
def senders(empty_database):
    with ExitStack() as stack:
        yield [stack.enter_context(connect(empty_database.url)) for _ in range(SENDERS)]


@pytest.mark.parametrize("add", [add_once, add_in_one_statement])
def test_concurrent_equal_requests_are_executed_once(make_segments, senders, owner, add):
    make_segments("AVITO_30")
    start = threading.Barrier(SENDERS)

    def send(connection):
        return [(start.wait(30), add(connection, f"key-{user_id}", user_id))[1] for user_id in numbers]

    numbers = range(1, ROUNDS + 1)
    with ThreadPoolExecutor(SENDERS) as pool:
        answers = [sorted(round_) for round_ in zip(*pool.map(send, senders), strict=True)]

    assert [round_ for round_ in answers if round_[0] != "1" or {*round_[1:]} - {"in use", "replayed"}] == []
    assert "in use" in {answer for round_ in answers for answer in round_}
    assert {add(senders[0], f"key-{user_id}", user_id) for user_id in numbers} == {"replayed"}
    assert owner.execute("select user_id from history").rowcount == ROUNDS


def test_key_of_a_killed_sender_is_free_within_seconds(make_segments, empty_database, connection):
    make_segments("AVITO_30")
    command = [sys.executable, "-c", DIE_IN_A_TRANSACTION, empty_database.url]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as sender:  # noqa: S603 - this module's script
        assert sender.stdout.readline() == "written\n"
        assert add_once(connection, "key") == "in use"
        sender.send_signal(signal.SIGKILL)
    killed = time.monotonic()

    while (answer := add_once(connection, "key")) == "in use":
        time.sleep(0.05)

    assert answer == "1"
    assert time.monotonic() - killed < STATEMENT_SECONDS / 2  # the key does not wait for the end of the statement
