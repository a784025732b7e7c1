"""Imports: each line of a file gets one verdict, and the members of the segment follow the verdicts."""

import csv
import gzip
import io
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segmentation.access.permissions import Caller
from segmentation.contract.problems import ImportUnknown, SegmentHasPercent
from segmentation.contract.requests import NewExport, NewImport, SegmentChange
from segmentation.database.connection import connect
from segmentation.domain import segments
from segmentation.jobs import leases
from segmentation.reports import segment_export, storage
from segmentation.reports.imports import applying, lines, loading, orders
from segmentation.reports.imports import verdicts as verdict_file
from segmentation.reports.imports.layout import BLANKS
from segmentation.reports.imports.upload import Upload
from segmentation.reports.stored_file import Sizes
from tests import law
from tests.emptying import empty
from tests.integration.fix_jobs import NO_TIME_LIMIT

ANALYST = Caller("analyst", "editor", 4102444800)
ADMIN = Caller("root", "admin", 4102444800)


@pytest.fixture
def small_imports(monkeypatch):
    """Make chunks and batches so small that a few lines need several."""
    monkeypatch.setattr(loading, "CHUNK_LINES", 4)
    monkeypatch.setattr(applying, "BATCH_LINES", 3)
    monkeypatch.setattr(applying, "BATCH_MEMBERS", 3)
    monkeypatch.setattr(applying, "COUNTED_MEMBERS", 3)
    monkeypatch.setattr(verdict_file, "SIZES", Sizes(batch_rows=4, part_bytes=40))


@pytest.fixture
def put(aws):
    """Upload a file as a client does."""

    def upload_file(import_id, content):
        body = content if isinstance(content, bytes) else content.encode()
        aws.s3.put_object(Bucket="reports", Key=f"imports/{import_id}", Body=body)

    return upload_file


@pytest.fixture
def begin(connection, aws, put):
    """Create an import, upload its file and start it. Return the id of its job."""

    def begin_import(content, mode="add", slug="AAA", **members):
        wanted = NewImport.model_validate({"slug": slug, "mode": mode, **members})
        made = orders.create(connection, wanted, actor="analyst")
        put(made.import_id, content)
        return orders.start(connection, made.import_id, caller=ANALYST).job_id

    return begin_import


@pytest.fixture
def run(connection, begin, deliver):
    """Import a file, and return its job."""

    def run_import(content, mode="add", **members):
        job_id = begin(content, mode, **members)
        deliver(job_id, **NO_TIME_LIMIT)
        return leases.get(connection, job_id)

    return run_import


@pytest.fixture
def verdicts(aws):
    """Return the rows of a job's file with verdicts, and check that they add up."""

    def read(job):
        rows = [*csv.DictReader(io.StringIO(aws.text(job.result["file_name"]), newline=""))]
        assert sum(job.result["verdicts"].values()) == len(rows)
        return [(int(row["line"]), row["user_id"], row["verdict"], row["detail"]) for row in rows]

    return read


@pytest.fixture
def members(connection):
    def listed(slug="AAA"):
        return law.listed(connection, slug)

    return listed


def test_each_line_gets_its_verdict(make_segments, change, run, verdicts, members):
    make_segments("AAA")
    change(2, add_segments=["AAA"])

    job = run("1\n2\n\n1\n007\n")

    assert job.status == "succeeded"
    assert verdicts(job) == [
        (1, "1", "added", ""),
        (2, "2", "already", ""),
        (4, "1", "duplicate", "line 1"),
        (5, "007", "invalid", "user_id must be a whole number from 1 to 9223372036854775807 in plain digits"),
    ]
    assert members() == [1, 2]
    assert (job.done, job.total, job.result["lines"]) == (4, 4, 4)


@pytest.mark.parametrize(
    "content",
    [
        "5\n6\n",
        "5\r\n6\r\n",
        "5\n6",
        '"5"\n "6" \n',
        "\ufeff5\n6\n",
        "\n5\n\n  \n6\n\n",
        "user_id\n5\n6\n",
        "\ufeffuser_id\n5\n6\n",
        '"user_id"\n"5"\n"6"\n',
        "name,user_id\nA,5\nB,6\n",
        "name;user_id\nA;5\nB;6\n",
        "name\tuser_id\nA\t5\nB\t6\n",
        'user_id,name\n5,"A,B"\n6,"C\nD"\n',
        "user_id,name\n5,A\n6,B,,\n",
        'user_id,"the\nname"\n5,A\n6,B\n',
        "user_id\r\n5\n6\r\n",
        "  user_id  \n\t5\n6 \n",
    ],
)
@pytest.mark.parametrize("pack", [str.encode, lambda text: gzip.compress(text.encode())], ids=["plain", "gzip"])
def test_a_file_of_any_format_is_read(make_segments, run, members, content, pack):
    make_segments("AAA")

    job = run(pack(content))

    assert (job.status, members()) == ("succeeded", [5, 6])
    assert job.result["lines"] == job.result["verdicts"]["added"] == 2


@pytest.mark.parametrize(
    "line",
    [
        "007",
        "+7",
        "7.0",
        "1e3",
        "1,000",
        '"1,000"',
        "0",
        "-1",
        "9223372036854775808",
        "x" * 200,
        "=1",
        "٣",
        "5_0",
        "7\r8",
        "1 2",
        "user_id",
    ],
)
@pytest.mark.parametrize("header", ["", "user_id\n", "user_id;name\n"])
def test_an_invalid_id_is_shown_and_changes_nothing(make_segments, run, verdicts, members, header, line):
    make_segments("AAA")

    job = run(f"{header or '1'}\n{line}\n")

    [*_, (_, given, verdict, detail)] = verdicts(job)
    assert (verdict, bool(detail)) == ("invalid", True)
    assert len(given) <= 101
    assert members() == ([] if header else [1])


def test_largest_id_is_imported(make_segments, run, members):
    make_segments("AAA")

    run("9223372036854775807\n")

    assert members() == [9223372036854775807]


def test_a_text_that_a_spreadsheet_would_compute_is_quoted(make_segments, run, verdicts):
    make_segments("AAA")

    job = run('user_id\n"=1+1,""x"""\n')

    assert verdicts(job)[0][:3] == (2, '\'=1+1,"x"', "invalid")


def test_a_lifetime_of_a_line_beats_that_of_the_import(connection, make_segments, run, verdicts):
    make_segments("AAA")

    job = run(
        "user_id,ttl,expires_at\n1,,\n2,60,\n3,,2100-01-01T00:00:00Z\n4,1,2100-01-01T00:00:00Z\n5,0,\n6,,2000-01-01T00:00:00Z\n"
        "7,,soon\n",
        ttl=3600,
    )

    rows = connection.execute(
        "select user_id, expires_at - added_at, expires_at from memberships order by 1"
    ).fetchall()
    assert [row[1].total_seconds() for row in rows[:2]] == [3600, 60]
    assert rows[2][2].year == 2100
    assert [verdict for _, _, verdict, _ in verdicts(job)] == ["added"] * 3 + ["invalid"] * 4


def test_history_names_the_import_as_the_reason(make_segments, run, history):
    make_segments("AAA")

    run("1\n")
    run("1\n", "remove")

    assert [(row["operation"], row["reason"], row["actor"]) for row in history(1)] == [
        ("I", "import", "analyst"),
        ("D", "import", "analyst"),
    ]


def test_remove_ends_memberships_and_names_absent_users(make_segments, change, run, verdicts, members):
    make_segments("AAA")
    change(1, add_segments=["AAA"])

    job = run("1\n2\n", "remove")

    assert [row[2] for row in verdicts(job)] == ["removed", "absent"]
    assert (members(), job.result["users_deleted"]) == ([], 1)


def test_replace_removes_the_members_whom_no_line_names(make_segments, change, run, members, small_imports):
    make_segments("AAA")
    for user in range(1, 10):
        change(user, add_segments=["AAA"])

    job = run("1\n2\n3\n4\n5\n20\nuser\n", "replace")

    assert members() == [1, 2, 3, 4, 5, 20]
    assert (job.result["users_added"], job.result["users_deleted"]) == (1, 4)


def test_replace_keeps_a_member_whose_line_has_an_invalid_lifetime(make_segments, change, run, members):
    make_segments("AAA")
    change(1, add_segments=["AAA"])

    run("user_id,ttl\n1,never\n2,60\n", "replace")

    assert members() == [1, 2]


@pytest.mark.parametrize(("most", "status"), [(None, "failed"), (3, "succeeded"), (2, "failed"), (0, "failed")])
def test_replace_fails_if_it_would_remove_too_many(make_segments, change, run, members, most, status):
    make_segments("AAA")
    for user in (1, 2, 3, 4):
        change(user, add_segments=["AAA"])

    job = run("1\n9\n", "replace", max_deletions=most)

    assert job.status == status
    if status == "failed":
        assert members() == [1, 2, 3, 4]
        assert f"remove 3 of 4 members, more than the {2 if most is None else most}" in job.error


def test_replace_that_removes_no_member_needs_no_deletions(make_segments, change, run, members):
    make_segments("AAA")
    change(1, add_segments=["AAA"])

    job = run("1\n2\n", "replace", max_deletions=0)

    assert (job.status, members()) == ("succeeded", [1, 2])


def test_replace_of_half_of_the_members_is_possible(make_segments, change, run, members):
    make_segments("AAA")
    change(1, add_segments=["AAA"])
    change(2, add_segments=["AAA"])

    run("1\n", "replace")

    assert members() == [1]


@pytest.mark.parametrize("mode", ["add", "remove", "replace"])
def test_a_dry_run_has_the_same_verdicts_and_changes_nothing(
    make_segments, change, run, verdicts, members, history, mode
):
    make_segments("AAA")
    for user in (1, 2, 3):
        change(user, add_segments=["AAA"])
    content = "1\n2\n1\n9\nx\n"
    before = history()

    dry = run(content, mode, dry_run=True)
    unchanged = history() == before and members() == [1, 2, 3]
    real = run(content, mode)

    assert unchanged
    assert (dry.result["dry_run"], real.result["dry_run"]) == (True, False)
    assert verdicts(dry) == verdicts(real)
    assert {**dry.result, "dry_run": False, "file_name": ""} == {**real.result, "file_name": ""}


UNREADABLE = {
    "latin-1": ("1\né\n".encode("latin-1"), "Line 2 is not UTF-8 (byte 3 of the text)"),
    "utf-16": ("1\n2\n".encode("utf-16"), "The file is UTF-16 (byte 1 of line 1). UTF-8 is expected."),
    "utf-16-le": ("1\n2\n".encode("utf-16-le"), "Line 1 has a NUL byte (byte 2 of the text)"),
    "nul": (b"1\n2\0\n", "Line 2 has a NUL byte (byte 4 of the text)"),
    "no user_id": ("id,name\n1,A\n", "Line 1 is neither an id nor a header with the column user_id"),
    "user_id twice": ("user_id,user_id\n1,2\n", "The header names the column user_id twice"),
    "truncated gzip": (gzip.compress(b"1\n" * 5000)[:-9], "The gzip file is broken or incomplete"),
    "broken gzip": (gzip.compress(b"1\n2\n")[:-4] + b"\0\0\0\1", "The gzip file is broken or incomplete"),
    "gzip and more": (gzip.compress(b"1\n") + b"2\n", "The gzip file is broken or incomplete"),
    "open quotation mark": ('1\n2\n"3\n4\n', "Line 3 has a quotation mark without a partner"),
    "open quotation mark at the end": ('1\n"2', "Line 2 has a quotation mark without a partner"),
    "long line": ("1\n2" + "x" * 70_000 + "\n", "Line 2 has more than 65536 bytes"),
    "long record": ('1\n"2' + "x\n" * 40_000 + '"\n', "Line 2 has more than 65536 bytes"),
    "carriage returns": ("user_id\r1\r2\r", "Line 1 has a lone carriage return"),
}


@pytest.mark.parametrize("mode", ["add", "replace"])
@pytest.mark.parametrize(("content", "reason"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_file_that_cannot_be_read_fails_at_once_and_changes_nothing(
    connection, make_segments, change, run, members, aws, content, reason, mode
):
    make_segments("AAA")
    change(7, add_segments=["AAA"])

    job = run(content, mode)

    assert job.status == "failed"
    assert reason in job.error
    assert members() == [7]
    assert aws.dead_letters() == []


@pytest.mark.parametrize("content", ["", "\n\n", "user_id\n", "0\n", "user_id,name\n,A\n"])
def test_replace_by_an_empty_file_fails_and_changes_nothing(make_segments, change, run, members, content):
    make_segments("AAA")
    change(7, add_segments=["AAA"])

    job = run(content, "replace", max_deletions=100)

    assert (job.status, members()) == ("failed", [7])


def test_an_empty_file_adds_no_user(make_segments, run, verdicts):
    make_segments("AAA")

    job = run("")

    assert (job.status, job.result["lines"], verdicts(job)) == ("succeeded", 0, [])


def test_a_gzip_bomb_is_read_up_to_the_limit(make_segments, run, monkeypatch):
    monkeypatch.setattr(lines, "MAX_TEXT_BYTES", 100_000)
    make_segments("AAA")

    job = run(gzip.compress(b"\n" * 10_000_000))

    assert (job.status, "The unpacked file has more than 100000 bytes" in job.error) == ("failed", True)


@pytest.mark.parametrize("end", ["\n", "\r\n", " \t\n"])
@pytest.mark.parametrize("header", ["", "user_id;ttl\n"])
def test_blank_lines_are_skipped_many_at_once(aws, monkeypatch, header, end):
    body = gzip.compress((end * 300_000 + header + end * 300_000 + "7" + ";" * bool(header) + end).encode())
    aws.s3.put_object(Bucket="reports", Key="imports/1", Body=body)
    tag = aws.s3.head_object(Bucket="reports", Key="imports/1")["ETag"]
    upload, single, read = Upload("imports/1", len(body), tag), [], lines.Lines._read
    monkeypatch.setattr(lines.Lines, "_read", lambda self: single.append(self.number) or read(self))

    chunks = [*loading.read_chunks(upload, loading.begin(upload), datetime.now(UTC))]

    assert [row[:2] for chunk in chunks for row in chunk.rows] == [(600_001 + bool(header), "7")]
    assert len(chunks) == 1
    assert len(single) < 100


def test_blank_lines_keep_their_numbers(make_segments, run, verdicts):
    make_segments("AAA")

    job = run("\n \r\n\n1\n\r\n\n \r \n\n2\n  \t")

    found = [(line, verdict) for line, _, verdict, _ in verdicts(job)]
    assert found == [(4, "added"), (7, "invalid"), (9, "added")]


@pytest.mark.parametrize(("content", "status"), [("1\n\n2\n\n\n3\n", "succeeded"), ("1\n2\nx\n4\n", "failed")])
def test_a_file_has_a_greatest_number_of_lines(make_segments, run, members, monkeypatch, content, status):
    monkeypatch.setattr(loading, "MAX_LINES", 3)
    make_segments("AAA")

    job = run(content)

    assert (job.status, members()) == (status, [1, 2, 3] if status == "succeeded" else [])
    assert status == "succeeded" or "more than 3 lines" in job.error


def test_a_file_that_is_uploaded_again_meanwhile_fails(connection, make_segments, begin, put, deliver):
    make_segments("AAA")
    job_id = begin("1\n")
    [(import_id,)] = connection.execute("select import_id from imports").fetchall()
    put(import_id, "2\n")

    deliver(job_id, **NO_TIME_LIMIT)

    assert (
        leases.get(connection, job_id).error == "The file was uploaded again, or deleted, after the import was started."
    )


def test_a_segment_deleted_before_the_import_fails_it(connection, make_segments, begin, deliver):
    make_segments("AAA")
    job_id = begin("1\n")
    segments.delete(connection, "AAA", actor="analyst")

    deliver(job_id, **NO_TIME_LIMIT)

    assert leases.get(connection, job_id).error == "The segment was deleted after the import was ordered."


def test_a_segment_deleted_meanwhile_fails_the_import_with_the_verdicts_so_far(
    connection, make_segments, begin, deliver, verdicts, small_imports
):
    make_segments("AAA")
    job_id = begin("9\n8\n7\n6\nx\n5\n4\n3\n2\n1\n")
    while leases.get(connection, job_id).done < 4:
        deliver(job_id, time_left=lambda: False)

    segments.delete(connection, "AAA", actor="analyst")
    deliver(job_id, **NO_TIME_LIMIT)

    job = leases.get(connection, job_id)
    assert (job.status, job.error) == ("failed", "The segment was deleted after the import was ordered.")
    assert [row[1:3] for row in verdicts(job)] == [("x", "invalid"), ("3", "added"), ("2", "added"), ("1", "added")]
    assert job.result["users_added"] == 3


def test_a_segment_renamed_meanwhile_gets_its_users(connection, make_segments, begin, deliver, members, small_imports):
    make_segments("AAA")
    job_id = begin("9\n8\n7\n6\n5\n4\n3\n2\n1\n")
    while leases.get(connection, job_id).done < 4:
        deliver(job_id, time_left=lambda: False)

    segments.update(connection, "AAA", SegmentChange(slug="BBB"), actor="analyst")
    deliver(job_id, **NO_TIME_LIMIT)

    assert (leases.get(connection, job_id).status, members("BBB")) == ("succeeded", [*range(1, 10)])


def test_the_file_with_the_verdicts_has_a_valid_name_for_the_longest_slug(connection, make_segments, begin, deliver):
    make_segments("A" * 255)
    job_id = begin("1\n", slug="A" * 255)

    deliver(job_id, **NO_TIME_LIMIT)

    name = leases.get(connection, job_id).result["file_name"]
    assert len(name) <= 255
    assert storage.link_to_existing(name)


EXPORTS = [{}, {"format": "csv.gz"}, {"delimiter": ";"}]


@pytest.mark.parametrize("form", EXPORTS, ids=str)
def test_every_line_of_an_export_is_already_in_the_segment(connection, aws, create, arrive, change, run, deliver, form):
    arrive(10)
    create("AAA", 50)
    change(20, add_segments=["AAA"], ttl=3600)
    change(2**63 - 1, add_segments=["AAA"])
    job_id = segment_export.create(connection, "AAA", NewExport(**form), actor="analyst").job_id
    deliver(job_id, **NO_TIME_LIMIT)
    exported = leases.get(connection, job_id).result

    job = run(aws.body(exported["file_name"]))

    assert job.result["lines"] == job.result["verdicts"]["already"] == exported["rows"] == 7


@pytest.mark.parametrize("content", ["1\n", "1\n" * 50 + "\0"], ids=["succeeded", "failed"])
def test_the_lines_are_dropped_at_the_end(connection, make_segments, run, small_imports, content):
    make_segments("AAA")

    run(content)

    assert connection.execute("select to_regclass('import_lines_1')").fetchall() == [(None,)]


def test_lines_that_another_import_keeps_from_being_dropped_are_dropped_by_the_schedule(
    connection, empty_database, make_segments, run
):
    make_segments("AAA")
    with connect(empty_database.url) as other, other.transaction():
        other.execute("select from import_lines")
        job = run("1\n")
    left = connection.execute("select count(*) from import_lines_1").fetchall()

    orders.clean_up(connection)

    assert (job.status, left) == ("succeeded", [(0,)])
    assert connection.execute("select to_regclass('import_lines_1')").fetchall() == [(None,)]


@pytest.mark.parametrize("mode", ["add", "remove", "replace"])
def test_a_worker_that_dies_at_any_step_leaves_the_rest_to_the_next(
    connection, owner, make_segments, change, begin, deliver, deliver_to_dying_worker, verdicts, small_imports, mode
):
    content = gzip.compress("\n".join(map(str, [5, 3, 8, 3, "x", 1, 9, 12, 11, 8, 4])).encode())

    def outcome(dies_at):
        empty(owner)
        make_segments("AAA")
        for user in (1, 2, 3, 4, 6):
            change(user, add_segments=["AAA"])
        job_id = begin(content, mode)
        if dies_at:
            deliver_to_dying_worker(job_id, dies_at)
        deliver(job_id, **NO_TIME_LIMIT)
        job = leases.get(connection, job_id)
        law.check(connection)
        entries = connection.execute("select user_id, action_id from history order by history_id").fetchall()
        return job.status, verdicts(job), {**job.result, "file_name": ""}, entries

    undisturbed = outcome(0)

    assert [outcome(step) for step in range(1, 20)] == [undisturbed] * 19


CELLS = st.one_of(
    st.integers(1, 30).map(str),
    st.integers(1, 30).map(str),
    st.sampled_from(["", " ", "007", "x", '"', "=1", "7 ", "1\t", "\t", "\u00a0", "9" * 19]),
)


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(
    cells=st.lists(CELLS, max_size=40),
    ends=st.sampled_from(["\n", "\r\n"]),
    header=st.booleans(),
    packed=st.booleans(),
    mode=st.sampled_from(["add", "remove"]),
)
def test_the_verdicts_add_up_to_the_lines(
    owner, make_segments, run, verdicts, small_imports, cells, ends, header, packed, mode
):
    empty(owner)
    make_segments("AAA")
    quoted = ['"' + cell.replace('"', '""') + '"' if '"' in cell else cell for cell in cells]
    written = (["user_id"] if header else ["1"]) + quoted
    content = ends.join(written).encode()

    job = run(gzip.compress(content) if packed else content, mode)

    filled = [number for number, text in enumerate(written, start=1) if text.strip(BLANKS)][header:]
    assert job.status == "succeeded"
    assert [row[0] for row in verdicts(job)] == filled
    assert job.done == job.total == job.result["lines"] == len(filled)


def test_an_import_that_is_started_twice_has_one_job(connection, make_segments, begin):
    make_segments("AAA")
    job_id = begin("1\n")
    [(import_id,)] = connection.execute("select import_id from imports").fetchall()

    assert orders.start(connection, import_id, caller=ANALYST).job_id == job_id
    assert orders.start(connection, import_id, caller=ADMIN).job_id == job_id


def test_an_import_of_another_account_is_unknown(connection, make_segments, begin):
    make_segments("AAA")
    begin("1\n")
    [(import_id,)] = connection.execute("select import_id from imports").fetchall()

    with pytest.raises(ImportUnknown):
        orders.start(connection, import_id, caller=Caller("mallory", "editor", 4102444800))


def test_an_import_that_is_started_at_once_has_one_job(connection, make_segments, begin, put, at_once):
    make_segments("AAA")
    made = orders.create(connection, NewImport(slug="AAA", mode="add"), actor="analyst")
    put(made.import_id, "1\n")

    started = at_once(*[lambda own: orders.start(own, made.import_id, caller=ANALYST).job_id] * 4)

    assert len({*started}) == 1


def test_the_comment_of_an_import_is_kept(connection, aws, make_segments):
    make_segments("AAA")
    wanted = NewImport(slug="AAA", mode="add", comment="ticket 4711\nfrom sales")

    orders.create(connection, wanted, actor="analyst")

    assert connection.execute("select comment from imports").fetchall() == [("ticket 4711\nfrom sales",)]


def test_replace_of_a_segment_with_a_percent_is_refused(connection, aws, create):
    create("AAA", 10)

    with pytest.raises(SegmentHasPercent):
        orders.create(connection, NewImport(slug="AAA", mode="replace"), actor="analyst")


def test_replace_of_a_segment_that_got_a_percent_fails(connection, make_segments, begin, set_percent, deliver):
    make_segments("AAA")
    job_id = begin("1\n", "replace")
    set_percent("AAA", 10)

    deliver(job_id, **NO_TIME_LIMIT)

    assert "has a percent" in leases.get(connection, job_id).error


def test_an_import_decides_for_good_in_a_percent_segment(connection, create, arrive, run, automatic_members):
    arrive(10)
    create("AAA", 100)

    run("1\n2\n", "remove")
    run("3\n99\n")

    decided = connection.execute("select user_id, included from rollout_overrides order by 1").fetchall()
    assert decided == [(1, False), (2, False), (3, True), (99, True)]


def test_the_schedule_deletes_imports_that_were_not_started_within_a_day(connection, owner, make_segments, aws):
    make_segments("AAA")
    for age in ("25 hours", "23 hours"):
        made = orders.create(connection, NewImport(slug="AAA", mode="add"), actor="analyst")
        owner.execute(
            "update imports set created_at = now() - %s::interval where import_id = %s", (age, made.import_id)
        )

    orders.clean_up(connection)

    assert connection.execute("select import_id from imports").fetchall() == [(made.import_id,)]


def test_the_schedule_drops_the_lines_of_a_job_that_failed_a_day_ago(
    connection, owner, make_segments, begin, deliver, fail
):
    make_segments("AAA")
    job_id = begin("1\n2\n")
    deliver(job_id, time_left=lambda: False)
    fail(job_id)

    orders.clean_up(connection)
    kept = connection.execute("select to_regclass('import_lines_1')").fetchall()
    owner.execute(
        "update jobs set finished_at = finished_at - interval '25 hours', queued_at = now() - interval '25 hours'"
    )
    orders.clean_up(connection)

    assert kept == [("import_lines_1",)]
    assert connection.execute("select to_regclass('import_lines_1')").fetchall() == [(None,)]
