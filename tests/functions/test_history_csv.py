"""GET /user/{user_id}/history as CSV: its values, its pages, and cells that a spreadsheet could run as formulas."""

import csv
import io
import re
from itertools import chain
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.functions.calls import call
from tests.functions.factories import add_members, ask_history, change, create_segments, done, history_of, record

pytestmark = pytest.mark.usefixtures("service")
HEADER = ["slug", "operation", "action", "reason", "actor", "comment", "expires_at", "executed_at"]
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
ACTORS = [
    pytest.param("arn:aws:iam::123456789012:user/mira", id="user"),
    pytest.param("arn:aws:sts::123456789012:assumed-role/Deploy/=1+1", id="assumed-role"),
    pytest.param('=HYPERLINK("http://evil.example";"arn:aws:iam")', id="equals"),
    pytest.param("+arn:aws:iam::1:user/x", id="plus"),
    pytest.param("-arn:aws:iam::1:user/x", id="minus"),
    pytest.param("@SUM(1)", id="at"),
    pytest.param("\t=1+1", id="tab"),
    pytest.param("\r=1+1", id="carriage-return"),
    pytest.param('arn:"quoted", with a comma;and\r\na line feed', id="delimiters"),
]


def read_csv(text):
    return list(csv.reader(io.StringIO(text, newline="")))


def next_page(answer):
    """Request the next page, which the Link header names. Return None after the last page."""
    if "link" not in answer.headers:
        return None
    [target] = re.fullmatch(r'<([^<>\s]+)>; rel="next"', answer.headers["link"]).groups()
    parts = urlsplit(target)
    query = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True))
    return call("list_user_history", path=parts.path, query=query, headers={"accept": "text/csv"})


def read_pages(answer):
    """Return the lines of this page and all later pages, without their header lines."""
    pages = []
    while answer is not None:
        header, *lines = read_csv(answer.text)
        assert header == HEADER
        pages.append(lines)
        answer = next_page(answer)
    return pages


@pytest.fixture
def five_operations(service):
    create_segments("AAA", "BBB")
    for slug in ("AAA", "BBB"):
        add_members(slug, 1)
        done(change(1, delete=(slug,)))
    add_members("AAA", 1)
    return history_of(1)


def cells(operations):
    return [[operation[name] or "" for name in HEADER] for operation in operations]


def test_csv_has_the_same_values_as_json(five_operations):
    answer = ask_history(1, "text/csv")

    assert read_csv(answer.text) == [HEADER, *cells(five_operations)]


def test_lines_end_as_in_rfc_4180(five_operations):
    lines = ask_history(1, "text/csv").text.split("\r\n")

    assert (len(lines), lines[-1]) == (7, "")
    assert "\n" not in "".join(lines)


@pytest.mark.parametrize(("limit", "pages"), [(1, [1] * 5), (2, [2, 2, 1]), (4, [4, 1]), (5, [5])])
def test_links_lead_through_all_pages(five_operations, limit, pages):
    read = read_pages(ask_history(1, "text/csv", limit=str(limit)))

    assert [len(page) for page in read] == pages
    assert [*chain(*read)] == cells(five_operations)


def test_link_keeps_the_range_with_its_offset(five_operations):
    since = five_operations[1]["executed_at"].replace("Z", "+00:00")

    read = read_pages(ask_history(1, "text/csv", limit="1", from_=since, to=five_operations[4]["executed_at"]))

    assert [*chain(*read)] == cells(five_operations[1:4])


def test_json_has_no_link(five_operations):
    assert "link" not in ask_history(1, limit="1").headers


def test_cursor_of_json_continues_in_csv(five_operations):
    cursor = ask_history(1, limit="2").json["next_cursor"]

    assert read_csv(ask_history(1, "text/csv", cursor=cursor).text)[1:] == cells(five_operations[2:])


@pytest.mark.parametrize("actor", ACTORS)
def test_no_cell_begins_as_a_formula(actor):
    create_segments("AAA")
    add_members("AAA", 1)
    done(call("create_action", {"name": "exposure"}))
    done(record(1, "AAA", "exposure", actor=actor))

    header, *lines = read_csv(ask_history(1, "text/csv").text)

    assert [cell for line in lines for cell in line if cell.startswith(FORMULA)] == []
    assert lines[-1][header.index("actor")].removeprefix("'") == actor


COMMENTS = ["=1+1", "\n=1+1", "-x", "@x", "+x", 'a "quoted", one; with\na line feed', "x"]


@pytest.mark.parametrize("comment", COMMENTS)
def test_comment_is_one_cell_that_begins_no_formula(comment):
    create_segments("AAA")
    done(change(1, add=("AAA",), comment=comment))

    header, line = read_csv(ask_history(1, "text/csv").text)

    assert [cell for cell in line if cell.startswith(FORMULA)] == []
    assert line[header.index("comment")].removeprefix("'") == comment


def test_json_has_the_actor_unchanged():
    create_segments("AAA")

    done(call("change_memberships", {"user_id": 1, "add_segments": ["AAA"]}, actor="=1+1"))

    assert history_of(1)[0]["actor"] == "=1+1"
