"""How jobs get on, as the terminal is told."""

import json
from pathlib import Path

from local import job_log

ROOT = Path(__file__).parents[2]
JOB = "1f2e3d4c-0000-4000-8000-000000000000"


def line(message="job moved on", **members):
    return json.dumps({"message": message, "job_id": JOB, "kind": "rollout", **members}).encode()


def told(*lines):
    return [sentence.strip() for sentence in job_log.sentences(lines)]


def test_a_step_is_told_with_its_share():
    assert told(line(done=10, total=40)) == ["job 1f2e3d4c rollout 10 of 40 (25 %)"]


def test_of_many_steps_the_last_is_told():
    assert told(line(done=10, total=40), line(done=20, total=40)) == ["job 1f2e3d4c rollout 20 of 40 (50 %)"]


def test_the_end_is_told():
    assert told(line("job succeeded", seconds=3.2)) == ["job 1f2e3d4c rollout succeeded, 3.2 s after its order"]
    assert told(line("job interrupted")) == ["job 1f2e3d4c rollout interrupted"]


def test_lines_about_no_job_are_not_told():
    assert told(b"START RequestId", b"[1]", b'{"message": "invocation"}', b"\xff") == []


def test_half_a_line_is_read_when_it_is_whole(tmp_path):
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


def test_a_log_that_is_not_there_yet_has_no_lines(tmp_path):
    assert job_log.read_on(tmp_path / "RunJob.log", 0) == ([], 0)


def test_the_functions_that_queues_feed_are_followed(tmp_path, monkeypatch):
    followed = []
    monkeypatch.setattr(job_log, "follow", lambda log, say: followed.append(log.name))

    job_log.start(tmp_path, ROOT / "template.yaml")

    assert followed == ["RunJob.log"]
