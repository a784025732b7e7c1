"""Reports, downloaded with curl from the S3 of the local run."""

import csv
import re
import shutil
import subprocess
import urllib.request

import httpx
import pytest
import requests

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")

TOKEN = {"Authorization": "Bearer of-no-meaning-here"}
HEADER = ["user_id", "segment_slug", "operation", "executed_at"]


@pytest.fixture
def report(client, this_month):
    def create(user_id, **parameters):
        answer = client.get(f"/segment/history/{user_id}", params=this_month | parameters)
        answer.raise_for_status()
        return answer.json()

    return create


@pytest.fixture
def member(segment, change):
    """The id of a user in a segment."""
    change(1, add_segments=[segment("AVITO_DISCOUNT_50")]).raise_for_status()
    return 1


def file_name_of(link):
    return re.search(r"/reports/([^?]+)", link)[1]


def curl(*arguments):
    return subprocess.run(["curl", "--silent", "--fail", *arguments], capture_output=True, check=True).stdout  # noqa: S603, S607


def rows_of(body, delimiter=","):
    return [*csv.reader(body.decode().splitlines(), delimiter=delimiter)]


def test_the_link_downloads_the_users_month(member, report, download):
    answer = report(member)

    header, row = rows_of(download(answer["report_link"]).body)

    assert answer["rows"] == 1
    assert header == HEADER
    assert row[:3] == ["1", "AVITO_DISCOUNT_50", "I"]


def test_the_download_has_a_name_and_a_type(member, report, download, this_month):
    found = download(report(member)["report_link"])

    month = "{year}-{month:02}".format_map(this_month)
    assert found.headers["content-disposition"] == f'attachment; filename="user-1-{month}.csv"'
    assert found.headers["content-type"] == "text/csv; charset=utf-8"


def test_a_report_of_an_empty_month_has_only_a_header(owner, report, download):
    answer = report(2, year=2023, month=8)

    assert answer["rows"] == 0
    assert rows_of(download(answer["report_link"]).body) == [HEADER]


def test_the_delimiter_can_be_chosen(member, report, download):
    answer = report(member, delimiter=";")

    assert rows_of(download(answer["report_link"]).body, ";")[0] == HEADER


def test_the_address_of_the_file_redirects_to_a_new_link(member, report, download, base_url):
    link = report(member)["report_link"]

    found = download(f"{base_url}/segment/reports/{file_name_of(link)}")

    assert found.status == 200
    assert found.body == download(link).body


def test_a_link_takes_no_token(member, report):
    link = report(member)["report_link"]

    assert httpx.get(link, headers=TOKEN).status_code == 400
    assert httpx.get(link).status_code == 200


def test_the_redirect_works_for_clients_that_drop_their_token_at_another_host(member, report, base_url):
    url = f"{base_url}/segment/reports/{file_name_of(report(member)['report_link'])}"
    of_urllib = urllib.request.Request(url)  # noqa: S310 -- our own server
    of_urllib.add_unredirected_header("Authorization", TOKEN["Authorization"])

    answers = [
        httpx.get(url, headers=TOKEN, follow_redirects=True).content,
        requests.get(url, headers=TOKEN, timeout=60).content,
        urllib.request.urlopen(of_urllib).read(),  # noqa: S310
        curl(url, "--location", "--header", f"Authorization: {TOKEN['Authorization']}"),
    ]

    assert {answer.split(b"\r\n")[0] for answer in answers} == {",".join(HEADER).encode()}


def test_an_unknown_file_is_not_found(client, member, report):
    name = file_name_of(report(member)["report_link"])
    another = name.replace(name[-5], "0" if name[-5] != "0" else "1")

    answer = client.get(f"/segment/reports/{another}")

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_link_whose_signature_was_changed_is_refused(member, report, download):
    link = report(member)["report_link"]

    found = download(link[:-1] + ("0" if link[-1] != "0" else "1"))

    assert found.status == 403


def test_a_link_opens_no_other_file(member, report, download):
    first, second = report(member)["report_link"], report(member)["report_link"]

    found = download(first.replace(file_name_of(first), file_name_of(second)))

    assert found.status == 403


def test_a_file_cannot_be_had_without_a_link(member, report, download):
    link = report(member)["report_link"]

    assert download(link.partition("?")[0]).status in (400, 403)  # S3 says 403, rclone 400


def test_the_erasure_of_the_user_deletes_the_file(client, member, report):
    name = file_name_of(report(member)["report_link"])

    client.delete(f"/user/{member}", params={"erase": "true"}).raise_for_status()

    assert client.get(f"/segment/reports/{name}").status_code == 404
