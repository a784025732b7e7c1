"""The lists: their order, limits and cursors, and the requests that they refuse."""

import pytest

from tests.functions.calls import answer_of, call, invoke, sample
from tests.functions.factories import add_members, change, create_segments, create_users, done, users_in

pytestmark = pytest.mark.usefixtures("service")
LISTS = {
    "list_users": "/user",
    "list_segments": "/segment",
    "list_segment_users": "/segment/AAA/users",
    "list_segment_changes": "/segment/AAA/history",
    "list_steps": "/segment/AAA/schedule",
    "list_actions": "/action",
    "list_user_history": "/user/1/history",
}
EVERY_LIST = pytest.mark.parametrize("function", LISTS)
WITH_USER_CURSOR = pytest.mark.parametrize("function", ["list_users", "list_segment_users"])
# texts that are no cursor, and cursors of impossible keys
NOT_A_USER_CURSOR = [
    "x",
    "*",
    "é",
    "MTIz\n",
    "LTE",
    "OTIyMzM3MjAzNjg1NDc3NTgwOA",
    "OTk5OTk5OTk5OTk5OTk5OTk5OTk",
    "QUFB",
    "KzU",
    "w6k",
    "AA",
]
NOT_A_SLUG_CURSOR = ["x", "*", "é", "QQ", "QUFBCg", "JycgT1IgMT0x", "w6k", "AAAA"]
NO_CURSOR = "must be the next_cursor of the previous page"


def ask(function, **query):
    return call(function, path=LISTS[function], query=query)


def keys(answer):
    items = answer.json.get("users") or answer.json.get("segments") or []
    return [item.get("user_id") or item["slug"] for item in items]


def read_pages(function, limit, between=lambda: None, **query):
    """Read every page. Call a function between each two pages."""
    found, cursor = [], None
    while True:
        answer = ask(function, limit=str(limit), **({"cursor": cursor} if cursor else {}), **query)
        found.append(keys(answer))
        cursor = answer.json["next_cursor"]
        if cursor is None:
            return found
        between()


def test_users_are_ordered_by_id():
    create_users(10, 9, 2**63 - 1, 1)

    answer = ask("list_users")

    assert keys(answer) == [1, 9, 10, 2**63 - 1]
    assert answer.json["users"][0].keys() == {"user_id", "created_at"}


def test_segments_are_ordered_by_slug_byte_by_byte():
    create_segments("b.1", "B_1", "a-1", "B-1", "1AA")

    answer = ask("list_segments")

    assert keys(answer) == ["1AA", "B-1", "B_1", "a-1", "b.1"]
    assert answer.json["segments"][0].keys() == {
        "slug",
        "user_percent",
        "description",
        "owner",
        "created_at",
        "updated_at",
        "members",
        "members_at",
    }


def test_members_are_ordered_by_user_id():
    create_segments("AAA")
    add_members("AAA", 10, 9, 1)

    answer = ask("list_segment_users")

    assert keys(answer) == [1, 9, 10]
    assert answer.json["users"][0].keys() == {"user_id", "added_at", "expires_at"}


def test_members_of_other_segments_are_not_listed():
    create_segments("AAA", "BBB")
    add_members("BBB", 1)

    assert users_in("AAA") == []


def test_member_shows_its_lifetime():
    create_segments("AAA")
    done(change(1, add=("AAA",), expires_at="2999-01-01T00:00:00Z"))

    answer = ask("list_segment_users")

    assert answer.json["users"][0]["expires_at"] == "2999-01-01T00:00:00Z"


@pytest.mark.parametrize("function", ["list_users", "list_segments"])
def test_empty_list_has_no_next_page(function):
    answer = ask(function)

    assert (keys(answer), answer.json["next_cursor"]) == ([], None)


def test_page_that_ends_with_the_list_is_the_last():
    create_users(1, 2)

    assert read_pages("list_users", 2) == [[1, 2]]


def test_users_come_in_pages_without_gap_or_repeat():
    create_users(1, 2, 3, 4, 5)

    assert read_pages("list_users", 2) == [[1, 2], [3, 4], [5]]


def test_segments_come_in_pages_without_gap_or_repeat():
    create_segments("AAA", "BBB", "CCC", "a.a", "b-b")

    assert read_pages("list_segments", 2) == [["AAA", "BBB"], ["CCC", "a.a"], ["b-b"]]


def test_members_come_in_pages_without_gap_or_repeat():
    create_segments("AAA")
    add_members("AAA", 1, 2, 3)

    assert read_pages("list_segment_users", 1) == [[1], [2], [3]]


def test_pages_of_users_are_stable_while_users_arrive_before_the_cursor():
    create_users(10, 20, 30)
    newcomers = iter([1, 2])

    pages = read_pages("list_users", 1, between=lambda: create_users(next(newcomers)))

    assert pages == [[10], [20], [30]]


def test_user_that_arrives_after_the_cursor_is_listed_once():
    create_users(10, 20)
    newcomers = iter([15, 17, 12])

    pages = read_pages("list_users", 1, between=lambda: create_users(next(newcomers)))

    assert pages == [[10], [15], [17], [20]]


def test_pages_of_segments_are_stable_while_segments_are_added():
    create_segments("B01", "B02", "B03")
    newcomers = iter(["A01", "A02", "A03"])

    pages = read_pages("list_segments", 1, between=lambda: create_segments(next(newcomers)))

    assert pages == [["B01"], ["B02"], ["B03"]]


def test_pages_of_members_are_stable_while_members_leave():
    create_segments("AAA")
    add_members("AAA", 1, 2, 3)
    leavers = iter([1, 2])

    pages = read_pages("list_segment_users", 1, between=lambda: done(change(next(leavers), delete=("AAA",))))

    assert pages == [[1], [2], [3]]


def test_prefix_selects_slugs_that_begin_with_it():
    create_segments("AVITO_1", "AVITO_2", "AVITO", "avito_3", "XAVITO_")

    assert keys(ask("list_segments", prefix="AVITO_")) == ["AVITO_1", "AVITO_2"]


def test_prefix_is_no_pattern():
    create_segments("A_1", "AB1", "A.1")

    assert keys(ask("list_segments", prefix="A_")) == ["A_1"]


def test_prefix_applies_to_every_page():
    create_segments("A01", "A02", "A03", "B01")

    assert read_pages("list_segments", 2, prefix="A") == [["A01", "A02"], ["A03"]]


@pytest.mark.parametrize("prefix", ["A,B", "A%", "A ", "é", "A\n", "A\x00", "A" * 256])
def test_prefix_that_no_slug_can_have_is_422(prefix):
    answer = ask("list_segments", prefix=prefix)

    assert (answer.status, answer.locations) == (422, ["query.prefix"])


@EVERY_LIST
@pytest.mark.parametrize("limit", ["1", "1000"])
def test_limit_at_its_bounds_is_accepted(function, limit):
    create_segments("AAA")

    assert ask(function, limit=limit).status == 200


@EVERY_LIST
@pytest.mark.parametrize("limit", ["0", "-1", "1001", "", "ten", "1.0", "+5", " 5", "1_0", "1,2", "٣", "9" * 30])
def test_limit_beyond_its_bounds_is_422(function, limit):
    answer = ask(function, limit=limit)

    assert (answer.status, answer.locations) == (422, ["query.limit"])


def test_problem_of_a_limit_of_many_digits_names_the_bound():
    answer = ask("list_users", limit="9" * 20)

    assert answer.json["errors"][0]["message"].endswith(" less than or equal to 1000")


def test_limit_defaults_to_100(owner):
    owner.execute("insert into users (user_id) select generate_series(1, 101)")

    assert len(keys(ask("list_users"))) == 100


def test_limit_of_1000_gives_1000(owner):
    owner.execute("insert into users (user_id) select generate_series(1, 1001)")

    assert [len(page) for page in read_pages("list_users", 1000)] == [1000, 1]


@WITH_USER_CURSOR
@pytest.mark.parametrize("cursor", NOT_A_USER_CURSOR)
def test_cursor_of_no_user_id_is_422(function, cursor):
    answer = ask(function, cursor=cursor)

    assert (answer.status, answer.json["errors"]) == (422, [{"location": "query.cursor", "message": NO_CURSOR}])


@pytest.mark.parametrize("cursor", NOT_A_SLUG_CURSOR)
def test_cursor_of_no_slug_is_422(cursor):
    answer = ask("list_segments", cursor=cursor)

    assert (answer.status, answer.json["errors"]) == (422, [{"location": "query.cursor", "message": NO_CURSOR}])


@EVERY_LIST
@pytest.mark.parametrize("cursor", ["é", "", "YSBi", "LTU"], ids=["no-base64", "empty", "with-a-space", "negative"])
def test_refused_cursor_has_the_services_own_message(function, cursor):
    answer = ask(function, cursor=cursor)

    assert (answer.status, answer.json["errors"]) == (422, [{"location": "query.cursor", "message": NO_CURSOR}])


@EVERY_LIST
@pytest.mark.parametrize("name", ["offset", "Limit", "limit[]", "__proto__"])
def test_unknown_query_parameter_is_422(function, name):
    answer = ask(function, **{name: "1"})

    assert (answer.status, answer.locations) == (422, [f"query.{name}"])


def test_query_parameter_of_a_route_without_parameters_is_422():
    create_segments("AAA")

    answer = call("get_segment", path="/segment/AAA", query={"limit": "1"})

    assert (answer.status, answer.locations) == (422, ["query.limit"])


@pytest.mark.parametrize("function", ["list_users", "list_segments", "list_actions", "list_segment_users"])
@pytest.mark.parametrize("name", ["limit", "cursor"])
def test_parameter_given_twice_is_422(function, name):
    event = sample(function)
    event |= {"rawQueryString": f"{name}=5&{name}=5", "queryStringParameters": {name: "5,5"}}

    answer = answer_of(invoke(function, event))

    assert (answer.status, answer.locations) == (422, [f"query.{name}"])
