"""The loop of docs/how-to/follow-events.md, as printed: its copy is what the reads return."""

import io
import re
import time
import urllib.request
from urllib.parse import urlsplit

import pytest

from local.settings import ROOT
from tests.functions.calls import call
from tests.functions.factories import change, create_segments, delete_user, done, patch_membership, slugs_of

[LOOP] = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "how-to" / "follow-events.md").read_text(), re.DOTALL)


class CaughtUp(Exception):
    """The loop would sleep now."""


@pytest.fixture
def members(service, monkeypatch):
    """Run the loop until it sleeps, and return its copy."""

    def answer(request, timeout):
        address = urlsplit(request.full_url)
        return io.BytesIO(call("list_events", path=address.path, query=address.query).text.encode())

    def stop(seconds):
        raise CaughtUp

    def run():
        scope = {}
        with pytest.raises(CaughtUp):
            exec(LOOP, scope)  # noqa: S102 -- the loop as printed
        return scope["members"]

    monkeypatch.setenv("API_URL", "http://localhost:8080")
    monkeypatch.setattr(urllib.request, "urlopen", answer)
    monkeypatch.setattr(time, "sleep", stop)
    return run


def test_the_copy_has_the_memberships(members):
    create_segments("AVITO_30", "AVITO_50")
    for user_id in (1, 2, 3):
        done(change(user_id, add=("AVITO_30", "AVITO_50")))
    done(change(1, delete=("AVITO_50",)))
    done(delete_user(2))
    ends_at = done(patch_membership(3, "AVITO_30", {"ttl": 3600}))["expires_at"]

    assert members() == {(1, "AVITO_30"): None, (3, "AVITO_30"): ends_at, (3, "AVITO_50"): None}
    assert slugs_of(3) == ["AVITO_30", "AVITO_50"]


def test_the_loop_has_fifteen_lines():
    assert len(LOOP[LOOP.index("while") :].splitlines()) <= 15
