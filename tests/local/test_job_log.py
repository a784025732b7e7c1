"""The progress of jobs in the terminal."""

import json
from pathlib import Path

from local import job_log

ROOT = Path(__file__).parents[2]
JOB = "1f2e3d4c-0000-4000-8000-000000000000"


def line(message="job progressed", **members):
    return json.dumps({"message": message, "job_id": JOB, "kind": "rollout", **members}).encode()


def shown(*lines):
    return [sentence.strip() for sentence in job_log.sentences(lines)]


def test_a_step_is_shown_with_its_share():
    assert shown(line(done=10, total=40)) == ["job 1f2e3d4c rollout 10 of 40 (25 %)"]


def test_only_the_last_of_many_steps_is_shown():
    assert shown(line(done=10, total=40), line(done=20, total=40)) == ["job 1f2e3d4c rollout 20 of 40 (50 %)"]


def test_the_end_is_shown():
    assert shown(line("job succeeded", seconds=3.2)) == ["job 1f2e3d4c rollout succeeded, 3.2 s after its order"]
    assert shown(line("job interrupted")) == ["job 1f2e3d4c rollout interrupted"]


def test_lines_without_a_job_are_not_shown():
    assert shown(b"START RequestId", b"[1]", b'{"message": "invocation"}', b"\xff") == []


def test_an_incomplete_line_is_read_when_it_is_complete(tmp_path):
    log = tmp_path / "RunJob.log"
    log.write_bytes(b"one\ntw")
    first, position = job_log.read_on(log, 0)
    log.write_bytes(b"one\ntwo\n")

    second, _ = job_log.read_on(log, position)

    assert (first, second) == ([b"one"], [b"two"])


def test_log_that_was_emptied_is_read_from_its_start(tmp_path):
    log = tmp_path / "RunJob.log"
    log.write_bytes(b"new\n")

    assert job_log.read_on(log, 1000) == ([b"new"], 4)


def test_a_missing_log_has_no_lines(tmp_path):
    assert job_log.read_on(tmp_path / "RunJob.log", 0) == ([], 0)


def test_the_logs_of_functions_with_a_queue_are_followed(tmp_path, monkeypatch):
    followed = []
    monkeypatch.setattr(job_log, "follow", lambda log, say: followed.append(log.name))

    job_log.start(tmp_path, ROOT / "template.yaml")

    assert followed == ["RunJob.log"]
