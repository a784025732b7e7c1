"""The local S3."""

import time

import boto3
import pytest

from local import ports, processes, s3, supervisor
from local.settings import CREDENTIALS
from segmentation.reports import storage
from segmentation.reports.months import Month
from tests.e2e.process_tree import descendants, read

HALF_A_SECOND = 50
"""In ticks, Linux's unit of processor time."""


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def server(folder, tmp_path):
    port = ports.free()
    child = s3.start(port, folder, ["reports"], tmp_path / "log")
    processes.wait_until_listening(child, port)
    yield child, f"http://{ports.HOST}:{port}"
    child.stop()


@pytest.fixture
def bucket(server):
    key_id, key = CREDENTIALS
    _, url = server
    opened = boto3.resource(
        "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id=key_id, aws_secret_access_key=key
    )
    yield opened.Bucket("reports")
    opened.meta.client.close()


def ticks(process):
    user, system = read(process, "stat").rpartition(b") ")[2].split()[11:13]
    return int(user) + int(system)


def test_a_buckets_name_is_valid_in_s3():
    assert s3.bucket("ReportsBucket") == "reports-bucket"


def test_a_file_of_another_program_is_visible_at_once(folder, bucket):
    assert list(bucket.objects.all()) == []

    (folder / "reports" / "a.csv").write_text("a")

    assert [found.key for found in bucket.objects.all()] == ["a.csv"]


def test_a_report_of_the_longest_slug_is_stored_in_parts(bucket):
    report = bucket.Object(storage.PREFIX + storage.new_file_name("A" * 255, Month(2023, 8), "csv.gz"))

    upload = report.initiate_multipart_upload()
    tag = upload.Part(1).upload(Body=b"a")["ETag"]
    upload.complete(MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": tag}]})

    assert report.get()["Body"].read() == b"a"


@pytest.mark.skipif(not supervisor.LINUX, reason="reads processor times in /proc")
def test_it_is_idle_after_the_last_file_of_a_folder_was_removed(server, bucket):
    bucket.put_object(Key="reports/a.csv", Body=b"a")
    bucket.Object("reports/a.csv").delete()
    [rclone] = descendants(server[0].supervisor.pid)
    before = ticks(rclone)

    time.sleep(0.5)

    assert ticks(rclone) - before < HALF_A_SECOND / 2
