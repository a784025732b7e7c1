"""The examples that the README and `make run` print, verbatim, with curl."""

import json
import shlex
import shutil
import subprocess

import pytest

from local import banner

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


@pytest.fixture
def run_example(owner, local_run):
    examples = [shlex.split(line) for line in banner.TRY.format(port=local_run.port).splitlines()]

    def run(number):
        command = [*examples[number - 1], "--silent", "--show-error"]
        done = subprocess.run(command, capture_output=True, text=True)  # noqa: S603 - our own output
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def test_the_first_example_creates_user_1(run_example):
    answer = run_example(1)

    assert answer == {"user_id": 1}


def test_the_second_and_third_example_create_segments(run_example):
    run_example(1)

    answers = [run_example(2), run_example(3)]

    assert [answer["slug"] for answer in answers] == ["AVITO_DISCOUNT_30", "AVITO_DISCOUNT_50"]
    assert all(answer["created_at"].endswith("Z") for answer in answers)


def test_the_fourth_example_adds_both_segments_for_a_day(run_example):
    for number in (1, 2, 3):
        run_example(number)

    answer = run_example(4)

    assert answer == {"segments_added": 2, "segments_deleted": 0}


def test_the_fifth_example_lists_both_in_order_of_slug(run_example):
    for number in (1, 2, 3, 4):
        run_example(number)

    answer = run_example(5)

    assert [segment["slug"] for segment in answer["segments"]] == ["AVITO_DISCOUNT_30", "AVITO_DISCOUNT_50"]


def test_the_sixth_example_deletes_a_segment(run_example):
    for number in (1, 2, 3, 4):
        run_example(number)

    answer = run_example(6)

    assert answer == {"message": "ok"}
    assert [segment["slug"] for segment in run_example(5)["segments"]] == ["AVITO_DISCOUNT_50"]
