"""A function whose disk is full: it needs none."""

import json
import os
import subprocess
import sys

from local.settings import ROOT
from tests.chaos.spoilt_aws import aws as aws
from tests.chaos.spoilt_aws import of_s3 as of_s3
from tests.chaos.spoilt_aws import of_sqs as of_sqs
from tests.chaos.spoilt_aws import s3_line as s3_line
from tests.chaos.spoilt_aws import sqs_line as sqs_line

PROGRAM = [sys.executable, "-m", "tests.chaos.without_disk"]
NO_DISK = {"TMPDIR": "/nowhere", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(ROOT / "layers" / "segmentation")}


def test_functions_write_to_no_disk(service, aws):
    environment = {**os.environ, **NO_DISK}

    done = subprocess.run(PROGRAM, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)  # noqa: S603 -- our own

    said = json.loads(done.stdout.splitlines()[-1])
    assert (said["written"], said["job"]) == ([], "succeeded")
    assert {function: status for function, status in said["statuses"].items() if status >= 500} == {}
    assert len(said["statuses"]) > 25
    assert [name.rpartition(".")[2] for name in aws.names()].count("gz") == 1
