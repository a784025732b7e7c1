"""The jobs of chaos_worker.py and chaos_file_worker.py, and the world in which their workers are killed."""

import itertools
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import boto3
import pytest
from botocore.config import Config

from segmentation.contract.requests import NewExport, NewImport, NewReport, NewSegment, SegmentChange
from segmentation.domain import deletion, segments
from segmentation.domain.rollouts import percent
from segmentation.jobs import leases, queue, worker
from segmentation.reports import bucket, month_report, segment_export
from segmentation.reports.imports import orders
from tests import file_imports, law
from tests.chaos import killable_worker
from tests.chaos.postgres_proxy import Moment
from tests.chaos.worker_killer import WorkerKiller, killing_aws, killing_postgres_proxy
from tests.emptying import empty
from tests.integration.fix_jobs import NO_TIME_LIMIT

USERS = 30
DELIVERIES = 5
"""The deliveries of a message before it becomes a dead letter."""

LEAST_REQUESTS = 15
MOMENTS = ["before", "during"]
SMALL_LIMITS = [(percent, "MOST_CHANGES", 4), (deletion, "MOST_MEMBERS", 4)]
MONTH = """
insert into history (user_id, segment_id, slug, action_id, reason, actor, executed_at)
select user_id, 1, 'AVITO_30', action_id, 'manual', 'analyst',
       timestamptz '2023-08-01T00:00:00Z' + make_interval(hours => user_id / 3, mins => action_id)
  from generate_series(1, %s) user_id, generate_series(1, 2) action_id
 order by user_id, action_id
"""
REMAINING = """
select (select count(*) from memberships),
       (select count(*) from history where action_id = 1), (select count(*) from history where action_id = 2),
       (select count(*) from segments where is_emptying), (select count(*) from rollouts where job_id is null)
"""
"""The numbers of members, entries, exits, segments that are not empty yet, and rollouts without a job."""
PROGRESS = """
select jobs.kind, jobs.done, (select count(*) from history),
       jsonb_array_length(coalesce(jobs.progress -> 'tags', jobs.progress -> 'file' -> 'tags', '[]')),
       (select sum((jobs.progress ->> name)::integer) from unnest(array['added', 'removed', 'unnamed_removed']) name)
  from jobs
 where jobs.job_id = %s
"""
"""The progress according to the job, the history, and the stored part tags, and the changes of an import."""


def arrive(owner: Any) -> None:
    owner.execute("insert into users (user_id) select generate_series(1, %s)", (USERS,))


def enrol(connection: Any, owner: Any) -> Any:
    arrive(owner)
    return segments.create(connection, NewSegment(slug="AAA", user_percent=50), actor="analyst").job_id


def enrolled(connection: Any, owner: Any) -> None:
    worker.deliver(connection, enrol(connection, owner), **NO_TIME_LIMIT)


def release(connection: Any, owner: Any) -> Any:
    enrolled(connection, owner)
    return segments.update(connection, "AAA", SegmentChange(user_percent=10), actor="analyst").job_id


def remove(connection: Any, owner: Any) -> Any:
    enrolled(connection, owner)
    return segments.delete(connection, "AAA", actor="analyst").job_id


def report(connection: Any, owner: Any, file_format: Any = "csv") -> Any:
    arrive(owner)
    owner.execute(MONTH, (USERS,))
    wanted = NewReport(year=2023, month=8, format=file_format)
    return month_report.create_for_all(connection, wanted, actor="analyst").job_id


def compressed_report(connection: Any, owner: Any) -> Any:
    return report(connection, owner, "csv.gz")


def export(connection: Any, owner: Any) -> Any:
    arrive(owner)
    segments.create(connection, NewSegment(slug="AAA"), actor="analyst")
    owner.execute(
        """
        insert into memberships (user_id, segment_id, added_at)
        select users.user_id, segments.segment_id, '2023-08-01T00:00:00Z' from users cross join segments
        """
    )
    return segment_export.create(connection, "AAA", NewExport(format="csv.gz"), actor="analyst").job_id


def import_file(connection: Any, owner: Any, mode: Any = "add") -> Any:
    """Order the import of 20 users, of whom half are members and some are named twice."""
    arrive(owner)
    segments.create(connection, NewSegment(slug="AAA"), actor="analyst")
    owner.execute(
        """
        insert into memberships (user_id, segment_id, added_at)
        select users.user_id, 1, '2023-08-01T00:00:00Z' from users where users.user_id <= 20
        """
    )
    cells = [*map(str, range(USERS, 10, -1)), "x", "11", "12", "", "30"]
    return file_imports.begin(connection, NewImport(slug="AAA", mode=mode), file_imports.written(cells))


def import_replacement(connection: Any, owner: Any) -> Any:
    return import_file(connection, owner, "replace")


Order = Callable[[Any, Any], UUID]
MEMBERS = {
    **{enrol: 15, release: 3, remove: 0, report: 0, compressed_report: 0, export: USERS},
    **{import_file: 30, import_replacement: 20},
}
"""The members after each job."""


@dataclass(frozen=True)
class Outcome:
    """The state after a job has ended."""

    job: tuple[str, int, int]
    left: tuple[int, ...]
    files: tuple[bytes, ...]
    uploads: int


class World:
    """A database and an AWS that kill workers."""

    def __init__(self, killer: WorkerKiller, owner: Any, connection: Any, s3: Any) -> None:
        self.killer, self.owner, self.connection, self.s3 = killer, owner, connection, s3
        self.written = 0

    def outcomes(self, order: Order, moment: Moment, **time: int) -> Iterator[Outcome]:
        """Kill the first worker of a job, one request later each time, until it survives. Others complete it."""
        for request in itertools.count(1):
            job_id = self.prepare(order)
            self.killer.kill_at(request, moment)
            survived = self.deliver(job_id, **time)
            self.killer.disarm()
            self.assert_nothing_is_half_done(job_id)
            self.redeliver(job_id)
            yield self.outcome(job_id)
            if survived:
                return

    def prepare(self, order: Order) -> UUID:
        empty(self.owner)
        for name in self.files():
            self.s3.delete_object(Bucket="reports", Key=name)
        job_id = order(self.connection, self.owner)
        [(self.written,)] = self.owner.execute("select count(*) from history")
        return job_id

    def deliver_concurrently(self, order: Order, workers: int) -> Outcome:
        """Deliver a job to several workers at once, and to one more after they end."""
        job_id = self.prepare(order)
        started = [killable_worker.start(str(job_id)) for _ in range(workers)]
        for process in started:
            process.join(30)
        assert {process.exitcode for process in started} == {0}
        assert self.deliver(job_id)
        return self.outcome(job_id)

    def deliver(self, job_id: UUID, **time: int) -> bool:
        """Start a process that works on the job. Return whether it survived."""
        process = killable_worker.start(str(job_id), **time)
        self.killer.watch(process.pid)
        process.join(30)
        assert process.exitcode in (0, -signal.SIGKILL)
        return process.exitcode == 0

    def redeliver(self, job_id: UUID) -> None:
        """End the lease and deliver again, until the job has ended."""
        for _ in range(DELIVERIES):
            if leases.get(self.connection, job_id).finished_at:
                return
            self.owner.execute("update jobs set leased_until = now() - interval '1 s' where status = 'running'")
            assert self.deliver(job_id)
        raise AssertionError("the message is a dead letter")

    def assert_nothing_is_half_done(self, job_id: UUID) -> None:
        """Check that the job has recorded all its work, except at most one uploaded part of a file."""
        law.check(self.owner)
        kind, done, written, parts, imported = self.owner.execute(PROGRESS, (job_id,)).fetchone()
        if kind in (month_report.MONTH_REPORT, segment_export.SEGMENT_EXPORT):
            assert len(self.parts()) <= parts + 1
        elif kind == orders.IMPORT:
            assert (written - self.written, len(self.parts()) <= parts + 1) == (imported or 0, True)
        else:
            assert written - self.written == done

    def outcome(self, job_id: UUID) -> Outcome:
        law.check(self.owner)
        job = leases.get(self.connection, job_id)
        bodies = [self.s3.get_object(Bucket="reports", Key=name)["Body"].read() for name in self.files()]
        left = self.owner.execute(REMAINING).fetchone()
        return Outcome((job.status, job.done, job.total), left, tuple(bodies), len(self.uploads()))

    def parts(self) -> list[Any]:
        """The parts of incomplete uploads."""
        uploads = [{"Bucket": "reports", "Key": each["Key"], "UploadId": each["UploadId"]} for each in self.uploads()]
        return [part for upload in uploads for part in self.s3.list_parts(**upload).get("Parts", [])]

    def uploads(self) -> list[Any]:
        return list(self.s3.list_multipart_uploads(Bucket="reports").get("Uploads", []))

    def files(self) -> list[str]:
        return [found["Key"] for found in self.s3.list_objects_v2(Bucket="reports").get("Contents", [])]


@pytest.fixture
def world(owner, connection, empty_database, monkeypatch) -> Iterator[World]:
    killer = WorkerKiller()
    port = empty_database.server.port
    with killing_postgres_proxy(port, killer) as proxy, killing_aws(killer) as aws_url:
        url = empty_database.url.replace(f":{port}/", f":{proxy.port}/")
        set_environment(monkeypatch, aws_url, DATABASE_URL=f"{url}?sslmode=disable&gssencmode=disable")
        s3 = boto3.client("s3", config=Config(s3={"addressing_style": "path"}))
        s3.create_bucket(Bucket="reports")
        boto3.client("sqs").create_queue(QueueName="jobs")
        for module, name, value in SMALL_LIMITS:
            monkeypatch.setattr(module, name, value)
        forget_clients()
        yield World(killer, owner, connection, s3)
        forget_clients()


def forget_clients() -> None:
    queue._sqs.cache_clear()
    bucket.client.cache_clear()


def set_environment(monkeypatch: pytest.MonkeyPatch, aws_url: str, **variables: str) -> None:
    """Set the worker's environment variables, and make moto accept parts of any size."""
    credentials = {
        "AWS_ACCESS_KEY_ID": "of-a-test",
        "AWS_SECRET_ACCESS_KEY": "of-a-test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    addresses = {
        "AWS_ENDPOINT_URL": aws_url,
        "REPORTS_BUCKET": "reports",
        "JOBS_QUEUE_URL": f"{aws_url}/123456789012/jobs",
    }
    # the fork server preloads the workers' modules if it finds them on this path
    variables["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    for name, value in (credentials | addresses | variables).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("moto.s3.models.S3_UPLOAD_PART_MIN_SIZE", 1)


def check_killed_at_any_request(world: World, order: Order, moment: Moment) -> None:
    """Check that a job ends alike whatever request its first worker is killed at."""
    *killed, undisturbed = world.outcomes(order, moment)

    assert len(killed) >= LEAST_REQUESTS
    assert (undisturbed.job[0], undisturbed.left[0], undisturbed.uploads) == ("succeeded", MEMBERS[order], 0)
    assert [outcome for outcome in killed if outcome != undisturbed] == []


def check_delivered_at_once(world: World, order: Order) -> None:
    """Check that a job that several workers get at once ends as that of one worker."""
    alone = world.deliver_concurrently(order, 1)

    assert world.deliver_concurrently(order, 4) == alone
    assert alone.job[0] == "succeeded"
