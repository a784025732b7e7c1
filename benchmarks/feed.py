"""Follow the feed of half a million events, page by page; compare with the server's own COPY to /dev/null."""

from collections.abc import Callable

from benchmarks import handlers, report
from benchmarks.databases import Databases
from benchmarks.results import Section, speed
from benchmarks.timing import Say, once_each, seconds
from segmentation.database import settled_ids
from segmentation.database.connection import connect

ROWS = 500_000
LIMIT = 1_000
NAME = "feed"
COPY = """
    copy (select history.history_id, actions.name, history.user_id, history.slug, history.reason, history.actor,
                 causes.comment, history.expires_at, history.executed_at
            from history
            join actions on actions.action_id = history.action_id
            left join causes on causes.cause_id = history.cause_id
           order by history.history_id)
      to '/dev/null' (format csv)
    """


class EventMissing(Exception):
    """The pages do not lead to the last event."""


def run(databases: Databases, *, scale: float, rounds: int, say: Say) -> Section:
    """Measure a reader far behind the settled id, and the COPY, in turn."""
    rows = int(ROWS * scale)
    say(f"  writing {rows:,} events")
    with databases.filled(NAME) as connection:
        report.fill(connection, rows)
    url = databases.url(NAME)
    with connect(url) as connection:
        settled_ids.store(connection, rows)
    with handlers.serving(url), databases.superuser(NAME) as superuser:
        found = once_each(
            {
                "COPY": lambda: seconds(lambda: superuser.execute(COPY)),
                "feed": lambda: seconds(lambda: _follow(handlers.caller("list_events", "/event"), rows)),
            },
            rounds=rounds,
            say=say,
        )
    databases.drop(NAME)
    return Section(
        "The feed",
        [f"A reader asks the warm handler for pages of {LIMIT:,} events, each after the last event of the one before."],
        [speed(f"follow {rows:,} events", "the server's COPY to /dev/null", found["feed"], found["COPY"], 0.7)],
    )


def _follow(call: Callable[..., dict[str, object]], last: int) -> None:
    """Read page after page, without parsing the events, which is the work of the reader."""
    after = 0
    while after < last:
        body = str(call(query={"after": str(after), "limit": str(LIMIT)})["body"])
        reached = int(body.rpartition(":")[2].rstrip("}"))
        if reached <= after:
            raise EventMissing(f"The page after {after} of {last} events is empty.")
        after = reached
