"""A client that keeps answers by their ETag, through the gateway: curl."""

import subprocess

import pytest


@pytest.fixture
def read(base_url, tmp_path):
    """Read a user with curl, which keeps the ETag of the last answer. Return the status and the body."""
    etag = tmp_path / "etag"
    etag.touch()

    def run(user_id):
        kept = ["--etag-compare", etag, "--etag-save", etag]
        command = ["curl", "--silent", *kept, "--write-out", "\n%{http_code}", f"{base_url}/segment/user/{user_id}"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 -- our own address
        body, _, status = done.stdout.rpartition("\n")
        return int(status), body

    return run


def test_a_client_gets_a_changed_answer_once(read, segment, change):
    change(1000, add_segments=[segment("ALPHA")])
    first, again = read(1000), read(1000)
    change(1000, add_segments=[segment("BETA")])
    changed, unchanged = read(1000), read(1000)

    assert [first[0], again, changed[0], unchanged] == [200, (304, ""), 200, (304, "")]
    assert "BETA" in changed[1]


def test_the_etag_of_one_user_brings_no_304_for_another(read, segment, change):
    change(1000, add_segments=[segment("ALPHA")])
    read(1000)

    status, body = read(1001)

    assert (status, body) == (200, '{"segments":[]}')


def test_304_has_the_headers_that_a_cache_needs(client):
    first = client.get("/segment/user/1000")

    answer = client.get("/segment/user/1000", headers={"if-none-match": f'"a", W/{first.headers["etag"]}'})

    assert (answer.status_code, answer.content) == (304, b"")
    for name in ("etag", "cache-control", "vary"):
        assert answer.headers[name] == first.headers[name]


def test_a_membership_that_ends_soon_shortens_the_time(client, segment, change):
    change(1000, add_segments=[segment("ALPHA")], ttl=20)

    age = client.get("/segment/user/1000").headers["cache-control"].removeprefix("private, max-age=")

    assert 0 <= int(age) < 20
