"""A function whose disk is full. The functions need no disk."""

import json
import os
import subprocess
import sys

from local.settings import ROOT
from tests.chaos.faulty_aws import aws as aws
from tests.chaos.faulty_aws import faulty_s3 as faulty_s3
from tests.chaos.faulty_aws import faulty_sqs as faulty_sqs
from tests.chaos.faulty_aws import s3_proxy as s3_proxy
from tests.chaos.faulty_aws import sqs_proxy as sqs_proxy

PROGRAM = [sys.executable, "-m", "tests.chaos.without_disk"]
NO_DISK = {"TMPDIR": "/nowhere", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(ROOT / "layers" / "segmentation")}


def test_functions_write_to_no_disk(service, aws):
    environment = {**os.environ, **NO_DISK}

    done = subprocess.run(PROGRAM, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)  # noqa: S603 -- this repository's program

    outcome = json.loads(done.stdout.splitlines()[-1])
    assert (outcome["written"], outcome["job"]) == ([], "succeeded")
    assert {function: status for function, status in outcome["statuses"].items() if status >= 500} == {}
    assert len(outcome["statuses"]) > 25
    assert [name.rpartition(".")[2] for name in aws.names()].count("gz") == 1
