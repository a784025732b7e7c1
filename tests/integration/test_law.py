"""The law: for every user and segment, the history alternates entry and exit in the order of time.

A replay of the history gives exactly the results of the reads, after any writes, in any order, from any number of
connections. LAW_EXAMPLES sets the number of runs, LAW_STEPS the steps of each.
"""

import os
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta
from math import ceil, floor
from typing import Any

import psycopg
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from psycopg.rows import dict_row

from segmentation.contract.problems import (
    MembershipUnknown,
    Problem,
    SegmentHasPercent,
    SegmentUnknown,
    SlugTaken,
    StepsPending,
    UserUnknown,
)
from segmentation.contract.requests import (
    LifetimeChange,
    MembershipChange,
    NewExport,
    NewImport,
    NewOperation,
    NewSegment,
    SegmentChange,
    SegmentUsersChange,
)
from segmentation.database import clock, transactions
from segmentation.database.connection import connect
from segmentation.domain import (
    actions,
    expiry,
    history,
    memberships,
    schedule,
    segment_users,
    segments,
    size_counting,
    users,
)
from segmentation.domain.rollouts import arrivals
from segmentation.jobs import leases
from segmentation.reports import segment_export
from tests import feed, file_imports, law, law_of_the_past, schedules, slow_export
from tests.emptying import empty
from tests.reads import flags_of
from tests.slow_export import SlowExport
from tests.stepping import let_days_pass

EXAMPLES = int(os.environ.get("LAW_EXAMPLES", "40"))
STEPS = int(os.environ.get("LAW_STEPS", "50"))
CONNECTIONS = 4
STEP_ROWS = size_counting.STEP_ROWS

USERS = st.integers(1, 4)
SLUGS = st.sampled_from(["AVITO_30", "AVITO_50", "AVITO_70", "AVITO_90"])
# Lifetimes end at half hours, and time moves by whole hours. A slow machine therefore cannot reach an end.
PERCENTS = st.none() | st.sampled_from([0, 0.01, 25, 50, 99.99, 100])
STEPS_OF_SCHEDULES = st.lists(st.sampled_from([0, 25, 50, 100]), min_size=1, max_size=4)
LIFETIMES = st.none() | st.integers(0, 5).map(lambda hours: hours * 3600 + 1800)
TEXTS = st.none() | st.sampled_from(["new", "old"])
COMMENTS = ["ticket 4711", "ticket 4712"]
CHANGES = st.fixed_dictionaries(
    {"user_id": USERS, "add": st.sets(SLUGS), "delete": st.sets(SLUGS), "ttl": LIFETIMES}
).filter(lambda change: not change["add"] & change["delete"])

CHANGES_OF_USERS = st.fixed_dictionaries(
    {"slug": SLUGS, "add": st.sets(USERS), "delete": st.sets(USERS), "ttl": LIFETIMES}
).filter(lambda change: (change["add"] or change["delete"]) and not change["add"] & change["delete"])

FORMS = [{}, {"format": "csv.gz"}, {"delimiter": ";"}]
IMPORTS = st.fixed_dictionaries(
    {
        "slug": SLUGS,
        "cells": st.lists(USERS.map(str) | st.sampled_from(["", "x", "007"]), max_size=6),
        "mode": st.sampled_from(["add", "remove", "replace"]),
        "ttl": LIFETIMES,
        "dry_run": st.booleans(),
        "max_deletions": st.none() | st.integers(0, 4),
    }
)


def begin_import(connection, slug, cells, **members):
    wanted = NewImport(slug=slug, **members)
    return file_imports.begin(connection, wanted, file_imports.written(cells))


def import_users(connection, **named):
    return file_imports.finish(connection, begin_import(connection, **named))


def change(connection, user_id, add, delete, ttl):
    wanted = MembershipChange(user_id=user_id, add_segments=[*add], delete_segments=[*delete], ttl=ttl)
    return memberships.change(connection, wanted, actor="analyst")


def change_users(connection, slug, add, delete, ttl):
    wanted = SegmentUsersChange(add_users=[*add], delete_users=[*delete], ttl=ttl)
    return segment_users.change(connection, slug, wanted, actor="analyst")


def patch(connection, user_id, slug, ttl):
    return memberships.change_lifetime(connection, user_id, slug, LifetimeChange(ttl=ttl), actor="analyst")


def delete_user(connection, user_id):
    return users.delete(connection, user_id, erase=False, actor="support")


def sweep(connection):
    return expiry.sweep(connection, go_on=lambda: True)


def count_sizes(connection, *, go_on=False):
    size_counting.count(connection, go_on=lambda: go_on)


def set_percent(connection, slug, percent):
    return segments.update(connection, slug, SegmentChange(user_percent=percent), actor="analyst")


def plan_steps(connection, slug, percents):
    return schedules.plan(connection, slug, *percents)


def cancel_steps(connection, slug):
    return schedule.cancel(connection, slug)


def register(connection, user_id):
    return users.create(connection, user_id, actor="backend")


WRITES = st.one_of(
    st.tuples(st.just(set_percent), st.fixed_dictionaries({"slug": SLUGS, "percent": PERCENTS})),
    st.tuples(st.just(plan_steps), st.fixed_dictionaries({"slug": SLUGS, "percents": STEPS_OF_SCHEDULES})),
    st.tuples(st.just(cancel_steps), st.fixed_dictionaries({"slug": SLUGS})),
    st.just((schedules.run, {})),
    st.just((schedules.run, {})),
    st.tuples(st.just(register), st.fixed_dictionaries({"user_id": USERS})),
    CHANGES.map(lambda named: (change, named)),
    CHANGES.map(lambda named: (change, named)),
    CHANGES_OF_USERS.map(lambda named: (change_users, named)),
    CHANGES_OF_USERS.map(lambda named: (change_users, named)),
    IMPORTS.map(lambda named: (import_users, named)),
    st.tuples(st.just(patch), st.fixed_dictionaries({"user_id": USERS, "slug": SLUGS, "ttl": LIFETIMES})),
    st.just((sweep, {})),
    st.just((count_sizes, {})),
    st.tuples(
        st.just(users.delete), st.fixed_dictionaries({"user_id": USERS, "erase": st.booleans(), "actor": st.just("x")})
    ),
    st.tuples(st.just(segments.delete), st.fixed_dictionaries({"slug": SLUGS, "actor": st.just("x")})),
    st.tuples(
        st.just(segments.create),
        st.fixed_dictionaries({"new": SLUGS.map(lambda slug: NewSegment(slug=slug)), "actor": st.just("x")}),
    ),
    st.tuples(
        st.just(segments.update),
        st.fixed_dictionaries(
            {"slug": SLUGS, "change": SLUGS.map(lambda slug: SegmentChange(slug=slug)), "actor": st.just("x")}
        ),
    ),
)


# The erased operations that the sizes keep: those of users whose members have been counted.
KEEP_ERASED = """
create table erased_operations (segment_id integer, action_id integer, executed_at timestamptz);
create function keep_erased() returns trigger language plpgsql security definer set search_path = public as $$
begin
    insert into erased_operations
    select erased.segment_id, erased.action_id, erased.executed_at
      from erased
      join size_progress on (erased.user_id > size_progress.opened_until) is not true
     where erased.action_id <= 2;
    return null;
end
$$;
create trigger keep_erased after delete on history referencing old table as erased
    for each statement execute function keep_erased();
"""
FORGET_ERASED = "drop table if exists erased_operations; drop function if exists keep_erased cascade"


class Law(RuleBasedStateMachine):
    """A model of the memberships beside the database."""

    def __init__(self, of, aws):
        super().__init__()
        self.aws = aws
        self.open = ExitStack()
        self.connections = [self.open.enter_context(connect(of.url)) for _ in range(CONNECTIONS)]
        self.connection = self.connections[0]
        url = of.server.url(database=of.name)
        self.superuser = self.open.enter_context(psycopg.connect(url, autocommit=True, row_factory=dict_row))
        empty(self.superuser)
        self.superuser.execute(FORGET_ERASED)
        self.superuser.execute(KEEP_ERASED)
        self.segments: set[str] = set()
        self.steps: dict[str, list[dict[str, Any]]] = {}
        self.members: dict[tuple[int, str], int | None] = {}
        self.written: dict[int, dict[str, Any]] = {}
        self.exports: list[SlowExport] = []
        self.past: list[SlowExport] = []
        self.instants: list[tuple[datetime, dict[int, list[dict[str, Any]]]]] = []
        self.imports: list[Any] = []

    def teardown(self):
        size_counting.STEP_ROWS = STEP_ROWS
        self.superuser.execute(FORGET_ERASED)
        self.open.close()

    @initialize()
    def begin(self):
        actions.create(self.connection, "exposure")
        for slug in ("AVITO_30", "AVITO_50"):
            self.create_segment(slug)

    @rule(slug=SLUGS)
    def create_segment(self, slug):
        with expecting(SlugTaken if slug in self.segments else None):
            segments.create(self.connection, NewSegment(slug=slug), actor="analyst")
        self.segments.add(slug)

    @rule(slug=SLUGS)
    def delete_segment(self, slug):
        with expecting(None if slug in self.segments else SegmentUnknown):
            segments.delete(self.connection, slug, actor="analyst")
        self.segments.discard(slug)
        self.steps.pop(slug, None)
        self.forget(lambda _, of: of == slug)

    @rule(slug=SLUGS, new=SLUGS)
    def rename_segment(self, slug, new):
        problem = SegmentUnknown if slug not in self.segments else SlugTaken if new in self.segments - {slug} else None
        with expecting(problem):
            segments.update(self.connection, slug, SegmentChange(slug=new), actor="analyst")
        if problem is None:
            self.segments = self.segments - {slug} | {new}
            self.steps[new] = self.steps.pop(slug, [])
            self.members = {(user, new if of == slug else of): ttl for (user, of), ttl in self.members.items()}

    @rule(slug=SLUGS, percent=PERCENTS)
    def set_percent(self, slug, percent):
        with expecting(None if slug in self.segments else SegmentUnknown) as going:
            set_percent(self.connection, slug, percent)
        if not going.failed:
            self.end_steps(slug, "cancelled")
            self.learn_but_keep(lambda _, of: of != slug)
            if percent is not None:
                self.check_share(slug, percent)

    @rule(slug=SLUGS, percent=PERCENTS, changed=PERCENTS)
    def set_percent_after_none(self, slug, percent, changed):
        """Stop a percent half-way, by null, and set one that must be exact from there."""
        if slug not in self.segments:
            return
        self.end_steps(slug, "cancelled")
        set_percent(self.connection, slug, percent)
        set_percent(self.connection, slug, None)
        set_percent(self.connection, slug, changed)
        self.learn_but_keep(lambda _, of: of != slug)
        if changed is not None:
            self.check_share(slug, changed)

    @rule(slug=SLUGS, percents=STEPS_OF_SCHEDULES)
    def plan_steps(self, slug, percents):
        planned = self.pending(slug)
        with expecting(SegmentUnknown if slug not in self.segments else StepsPending if planned else None) as going:
            plan_steps(self.connection, slug, percents)
        if not going.failed:
            self.steps[slug] = self.steps.get(slug, []) + [
                {"hours": 0.5 + number, "percent": percent, "status": "pending"}
                for number, percent in enumerate(percents)
            ]

    @rule(slug=SLUGS)
    def cancel_steps(self, slug):
        with expecting(None if slug in self.segments else SegmentUnknown) as going:
            cancelled = cancel_steps(self.connection, slug)
        if not going.failed:
            assert cancelled.steps_cancelled == len(self.pending(slug))
            self.end_steps(slug, "cancelled")

    @rule()
    def apply_due_steps(self):
        """Apply the newest due step of each segment, however many are due: hours may have passed since the last run."""
        due = {slug: [step for step in self.pending(slug) if step["hours"] < 0] for slug in self.steps}
        due = {slug: steps for slug, steps in due.items() if steps}
        schedules.run(self.connection)
        self.learn_but_keep(lambda _, of: of not in due)
        for slug, steps in due.items():
            for step in steps:
                step["status"] = "skipped"
            steps[-1]["status"] = "applied"
            self.check_share(slug, steps[-1]["percent"])

    def pending(self, slug):
        return [step for step in self.steps.get(slug, []) if step["status"] == "pending"]

    def end_steps(self, slug, status):
        for step in self.pending(slug):
            step["status"] = status

    @rule(user=USERS)
    def register_user_in_vain(self, user):
        """Roll an arrival back, which leaves a gap in the numbers, and repair it."""
        if self.is_known(user):
            return
        with self.connection.transaction(force_rollback=True):
            register(self.connection, user)
        arrivals.repair(self.connection)

    @rule(user=USERS)
    def register_user(self, user):
        known = self.is_known(user)
        register(self.connection, user)
        if not known:
            self.learn_but_keep(lambda of_user, _: of_user != user)

    @rule(slug=SLUGS, members=st.fixed_dictionaries({}, optional={"description": TEXTS, "owner": TEXTS}))
    def describe_segment(self, slug, members):
        if slug in self.segments and members:
            segments.update(self.connection, slug, SegmentChange(**members), actor="analyst")

    @rule(user=USERS, slug=SLUGS, comment=st.sampled_from(COMMENTS))
    def add_with_a_comment(self, user, slug, comment):
        """Add a member. Each row that the request causes keeps the comment, until the user is erased."""
        if slug not in self.segments or not self.is_known(user):
            return
        memberships.change(
            self.connection, MembershipChange(user_id=user, add_segments=[slug], comment=comment), actor="analyst"
        )
        self.members.setdefault((user, slug), None)

    @rule(named=CHANGES)
    def change_memberships(self, named):
        known = self.is_known(named["user_id"])
        with expecting(None if named["add"] | named["delete"] <= self.segments else SegmentUnknown) as going:
            changed = change(self.connection, **named)
        if going.failed:
            return
        user, new = named["user_id"], {slug for slug in named["add"] if (named["user_id"], slug) not in self.members}
        gone = {slug for slug in named["delete"] if (user, slug) in self.members}
        assert (changed.segments_added, changed.segments_deleted) == (len(new), len(gone))
        self.members |= {(user, slug): named["ttl"] for slug in new}
        self.forget(lambda of_user, of: of_user == user and of in gone)
        if not known:
            self.learn_but_keep(lambda of_user, of: of_user != user or of in named["add"] | named["delete"])

    @rule(named=CHANGES_OF_USERS)
    def change_users_of_segment(self, named):
        slug, unknown = named["slug"], {user for user in named["add"] | named["delete"] if not self.is_known(user)}
        with expecting(None if slug in self.segments else SegmentUnknown) as going:
            changed = change_users(self.connection, **named)
        if going.failed:
            return
        new = {user for user in named["add"] if (user, slug) not in self.members}
        gone = {user for user in named["delete"] if (user, slug) in self.members}
        assert (changed.users_added, changed.users_deleted) == (len(new), len(gone))
        self.members |= {(user, slug): named["ttl"] for user in new}
        self.forget(lambda of_user, of: of == slug and of_user in gone)
        self.learn_but_keep(lambda of_user, of: of_user not in unknown or of == slug)

    @rule(named=IMPORTS)
    def import_users(self, named):
        """Import a file. Its lines have the verdicts of the model, and the segment has what the verdicts say."""
        slug, mode = named["slug"], named["mode"]
        with expecting(self.problem_of_import(slug, mode)) as going:
            job = import_users(self.connection, **named)
        if going.failed:
            return
        members = {user for user, of in self.members if of == slug}
        given = {int(cell) for cell in named["cells"] if cell.isdecimal() and cell[0] != "0"}
        unnamed = members - given if mode == "replace" else set()
        most = len(members) // 2 if named["max_deletions"] is None else named["max_deletions"]
        is_refused = mode == "replace" and (len(unnamed) > most or not given)
        assert job.status == ("failed" if is_refused else "succeeded")
        if is_refused:
            return
        assert +Counter(job.result["verdicts"]) == file_imports.verdicts(named["cells"], members, mode)
        gone = unnamed | (members & given if mode == "remove" else set())
        new = given - members if mode != "remove" else set()
        assert (job.result["users_added"], job.result["users_deleted"]) == (len(new), len(gone))
        if not named["dry_run"]:
            self.enter_and_leave(slug, new, gone, named["ttl"], given)

    def problem_of_import(self, slug, mode):
        if slug not in self.segments:
            return SegmentUnknown
        [row] = self.superuser.execute(
            "select user_percent from segments where slug = %s and deleted_at is null", (slug,)
        ).fetchall()
        return SegmentHasPercent if mode == "replace" and row["user_percent"] is not None else None

    def enter_and_leave(self, slug, new, gone, ttl, given):
        """Take what an import did to its segment into the model. New users can enter other segments by a percent."""
        self.members |= {(user, slug): ttl for user in new}
        self.forget(lambda user, of: of == slug and user in gone)
        self.learn_but_keep(lambda user, of: user not in given or of == slug)

    @rule(named=IMPORTS)
    def begin_import(self, named):
        with ignoring(SegmentUnknown, SegmentHasPercent):
            self.imports.append(begin_import(self.connection, **named))

    @rule()
    def continue_imports(self):
        """Let a worker take one step of each import. Other writes come between its steps."""
        for job_id in self.imports:
            if leases.get(self.connection, job_id).finished_at is None:
                file_imports.go_on(self.connection, job_id)
        self.learn()

    @rule()
    def finish_imports(self):
        for job_id in self.imports:
            file_imports.finish(self.connection, job_id)
        self.imports = []
        self.learn()

    @rule(slug=SLUGS, form=st.sampled_from(FORMS))
    def import_an_export(self, slug, form):
        """Each line of an export is "already" in the segment that it was exported from."""
        if slug not in self.segments:
            return
        job_id = segment_export.create(self.connection, slug, NewExport(**form), actor="analyst").job_id
        exported = file_imports.finish(self.connection, job_id).result
        body = self.aws.body(exported["file_name"])

        job_id = file_imports.begin(self.connection, NewImport(slug=slug, mode="add"), body)
        result = file_imports.finish(self.connection, job_id).result

        assert result["lines"] == result["verdicts"]["already"] == exported["rows"]

    @rule(user=USERS, slug=SLUGS, ttl=LIFETIMES)
    def change_lifetime(self, user, slug, ttl):
        with expecting(None if (user, slug) in self.members else MembershipUnknown):
            patch(self.connection, user, slug, ttl)
        if (user, slug) in self.members:
            self.members[user, slug] = ttl

    @rule(user=USERS, erase=st.booleans())
    def delete_user(self, user, erase):
        with ignoring(UserUnknown):
            users.delete(self.connection, user, erase=erase, actor="support")
        self.forget(lambda of_user, _: of_user == user)
        if erase:
            self.forget_history({user})
            self.instants = [(instant, read | {user: []}) for instant, read in self.instants]

    @rule(user=USERS, slug=SLUGS)
    def record_action(self, user, slug):
        with ignoring(UserUnknown, SegmentUnknown):
            history.record(self.connection, user, NewOperation(slug=slug, action="exposure"), actor="backend")

    @rule()
    def sweep_due(self):
        sweep(self.connection)

        assert expiry.backlog(self.connection).memberships == 0

    @rule(rows=st.integers(1, 4), go_on=st.booleans())
    def count_sizes(self, rows, go_on):
        size_counting.STEP_ROWS = rows
        count_sizes(self.connection, go_on=go_on)

    @rule(days=st.integers(1, 3))
    def let_days_pass(self, days):
        let_days_pass(self.superuser, days)
        self.move_records(timedelta(days=days))

    @rule(hours=st.integers(1, 4))
    def let_time_pass(self, hours):
        """Move every instant into the past, which is equal to waiting. The sizes by day begin again."""
        passed = timedelta(hours=hours)
        with self.superuser.transaction():
            self.superuser.execute("set local session_replication_role = replica")
            for statement in (
                "update memberships set added_at = added_at - %(by)s, expires_at = expires_at - %(by)s",
                "update history set executed_at = executed_at - %(by)s, expires_at = expires_at - %(by)s",
                "update segments set created_at = created_at - %(by)s, updated_at = updated_at - %(by)s,"
                " deleted_at = deleted_at - %(by)s",
                "update segment_changes set changed_at = changed_at - %(by)s",
                "update users set created_at = created_at - %(by)s",
                "update segment_steps set due_at = due_at - %(by)s, applied_at = applied_at - %(by)s",
            ):
                self.superuser.execute(statement, {"by": passed})
            self.superuser.execute("truncate segment_days, size_progress, erased_operations")
        self.move_records(passed)

    @rule(slug=SLUGS)
    def begin_export(self, slug):
        ids = {slug: segment_id for segment_id, slug in law.live_segments(self.superuser).items()}
        if slug in ids:
            self.exports.append(slow_export.begin(self.connection, ids[slug], slug))

    @rule(rows=st.integers(1, 3))
    def continue_exports(self, rows):
        for export in self.exports:
            if not export.has_ended:
                export.go_on(rows)

    @rule()
    def finish_exports(self):
        """An export equals what the reads said at its instant, whatever was written since."""
        for export in self.exports:
            export.finish()
        self.past += self.exports
        self.exports = []

    @rule(draw=st.randoms(use_true_random=False), rows=st.integers(1, 3))
    def export_a_past_instant(self, draw, rows):
        """A later export of a recorded instant equals what the reads said then."""
        if self.past:
            export = draw.choice(self.past).again()
            export.go_on(rows)
            export.finish()

    @rule(writes=st.lists(WRITES, min_size=2, max_size=CONNECTIONS))
    def write_at_once(self, writes):
        """Write from several connections at once. Any order is right, so the model takes the outcome from the reads."""
        barrier = threading.Barrier(len(writes))

        def run(connection, write, named):
            barrier.wait(timeout=60)
            # a deadlock of other connections may last longer than the lock timeout, which is a 503
            with ignoring(Problem, psycopg.errors.LockNotAvailable):
                transactions.retry_aborted(lambda: write(connection, **named))

        with ThreadPoolExecutor(len(writes)) as pool:
            running = [pool.submit(run, own, *write) for own, write in zip(self.connections, writes, strict=False)]
        for one in running:
            one.result()
        self.forget_history({named["user_id"] for _, named in writes if named.get("erase")})
        self.learn()

    @rule(number=st.integers(0, STEPS))
    def look_back(self, number):
        """Read what was read at a past instant, and explain every membership of that instant."""
        instant, read = self.instants[number % len(self.instants)]
        for user, then in read.items():
            assert law_of_the_past.read_at(self.connection, user, instant) == then
            for slug in ("AVITO_30", "AVITO_50", "AVITO_70", "AVITO_90"):
                self.check_explanation(user, slug, instant, {found["slug"] for found in then})

    @rule(user=st.integers(1, 4))
    def evaluate_flags(self, user):
        """A flag says who is a member, and its reason is that of the explanation, or absent."""
        found = flags_of(self.connection, user)
        assert {slug for slug in found if found[slug].value} == {slug for who, slug in self.reads() if who == user}
        for slug, flag in found.items():
            because = law_of_the_past.explained(self.connection, user, slug, None)["because"]
            assert flag.metadata.because in {because, None}

    def check_explanation(self, user, slug, instant, slugs_then):
        because = law_of_the_past.because(self.superuser, user, slug, instant)
        with expecting(SegmentUnknown if because is None else None) as going:
            found = law_of_the_past.explained(self.connection, user, slug, instant)
        if not going.failed:
            assert found["because"] == because
            assert found["member"] or slug not in slugs_then

    @invariant()
    def past_is_recorded(self):
        instant = clock.next_moment(self.connection)
        read = {user: law_of_the_past.read_now(self.connection, user) for user in (1, 2, 3, 4)}
        self.instants.append((instant, read))

    @invariant()
    def law_holds(self):
        assert law.replayed(self.superuser, law.live_segments(self.superuser)) == set(self.reads())

    @invariant()
    def reads_are_what_was_written(self):
        assert set(self.reads()) == set(self.members)

    @invariant()
    def size_of_a_day_is_the_count_at_its_end(self):
        rows = self.superuser.execute(
            "select segment_id, action_id, (executed_at at time zone 'UTC')::date as day from erased_operations"
        )
        law.sizes_agree(self.connection, [(*row.values(),) for row in rows])

    @invariant()
    def nothing_written_is_lost_or_changed(self):
        rows = self.superuser.execute(
            """
            select history_id, user_id, segment_id, slug, action_id, reason, actor, cause_id, comment
              from history
              left join causes using (cause_id)
            """
        )
        now = {row["history_id"]: row for row in rows}
        assert {number: now.get(number) for number in self.written} == self.written
        self.written = now

    @invariant()
    def comments_are_those_that_the_history_has(self):
        [row] = self.superuser.execute(
            """
            select (select count(*) from causes) as stored, count(distinct cause_id) as used,
                   count(*) filter (where (cause_id is null) <> (comment is null)) as lost
              from history
              left join causes using (cause_id)
            """
        ).fetchall()
        assert (row["stored"], row["lost"]) == (row["used"], 0)

    @invariant()
    def log_folds_into_the_segments(self):
        assert law.folded(self.superuser) == law.segment_rows(self.superuser)

    @invariant()
    def steps_are_those_of_the_model(self):
        """No step of a deleted segment is pending. Each change that names a step has its planner."""
        assert law.steps(self.superuser) == {slug: steps for slug, steps in self.steps.items() if steps}
        law.check_steps(self.superuser)

    @invariant()
    def feed_gives_the_memberships(self):
        """The feed has every row of the history. Its fold has every membership, those included that are due.

        A segment is its id here, because a rename is no event.
        """
        events = feed.follow(self.connection)
        rows = self.superuser.execute("select history_id, segment_id from history order by history_id").fetchall()
        segments_of = {row["history_id"]: row["segment_id"] for row in rows}
        assert [event.event_id for event in events] == [*segments_of]
        members = feed.fold(events, lambda event: (event.user_id, segments_of[event.event_id]))
        rows = self.superuser.execute("select user_id, segment_id, expires_at from memberships").fetchall()
        assert members == {(row["user_id"], row["segment_id"]): row["expires_at"] for row in rows}

    @invariant()
    def rollouts_enrol_no_user_removed_by_hand(self):
        [row] = self.superuser.execute(
            """
            select count(*) as users
              from memberships
              join rollout_overrides using (user_id, segment_id)
             where memberships.source = 'percent' and not rollout_overrides.included
               and (memberships.expires_at is null or memberships.expires_at > now())
            """
        ).fetchall()
        assert row["users"] == 0

    def check_share(self, slug, percent):
        """A percent that was just set is exact, unless changes by hand left no candidate."""
        [row] = self.superuser.execute(
            """
            select count(*) as users,
                   count(*) filter (where member.source = 'percent') as enrolled,
                   count(*) filter (where member.source = 'percent' and by_hand.included is not true) as releasable,
                   count(*) filter (where member.user_id is null and by_hand.included is not false) as candidates
              from users
             cross join segments
              left join memberships member
                on member.user_id = users.user_id and member.segment_id = segments.segment_id
               and (member.expires_at is null or member.expires_at > now())
              left join rollout_overrides by_hand
                on by_hand.user_id = users.user_id and by_hand.segment_id = segments.segment_id
             where segments.slug = %s and segments.deleted_at is null
            """,
            (slug,),
        ).fetchall()
        share = row["users"] * percent / 100
        assert row["enrolled"] >= floor(share) or row["candidates"] == 0
        assert row["enrolled"] <= ceil(share) or row["releasable"] == 0

    def is_known(self, user):
        return self.superuser.execute("select from users where user_id = %s", (user,)).rowcount

    def move_records(self, passed):
        """Move what this machine has recorded into the past, as the rows of the database."""
        for export in self.exports + self.past:
            export.let_time_pass(passed)
        self.instants = [(instant - passed, moved(read, passed)) for instant, read in self.instants]
        for step in [step for steps in self.steps.values() for step in steps]:
            step["hours"] -= passed.total_seconds() / 3600
        left = {key: ttl if ttl is None else ttl - passed.total_seconds() for key, ttl in self.members.items()}
        self.members = {key: ttl for key, ttl in left.items() if ttl is None or ttl > 0}

    def learn_but_keep(self, certain):
        """Take the members that a rollout chose from the reads. Keep the certain members of the model."""
        self.members = {key: ttl for key, ttl in self.members.items() if certain(*key)} | {
            key: ttl for key, ttl in self.reads().items() if not certain(*key)
        }

    def forget(self, which):
        self.members = {key: ttl for key, ttl in self.members.items() if not which(*key)}

    def forget_history(self, of_users):
        """Forget what was written about erased users, who were never there."""
        self.instants = [
            (instant, {user: then for user, then in read.items() if user not in of_users})
            for instant, read in self.instants
        ]
        self.written = {number: row for number, row in self.written.items() if row["user_id"] not in of_users}
        for export in self.exports + self.past:
            export.forget(of_users)

    def learn(self):
        self.segments = set(law.live_segments(self.superuser).values())
        self.steps = law.steps(self.superuser)
        self.members = self.reads()

    def reads(self):
        """Return the members by every kind of read, with their remaining seconds rounded to half an hour."""
        members = law.read(self.connection, [1, 2, 3, 4], law.live_segments(self.superuser).values())
        return {key: self.remaining(*key) for key in members}

    def remaining(self, user, slug):
        [row] = self.superuser.execute(
            """
            select round(extract(epoch from memberships.expires_at - now()) / 1800)::integer * 1800 as seconds
              from memberships
              join segments on segments.segment_id = memberships.segment_id and segments.deleted_at is null
             where memberships.user_id = %s and segments.slug = %s
            """,
            (user, slug),
        ).fetchall()
        return row["seconds"]


def moved(read, by):
    """Move what was read into the past, as let_time_pass does with the database."""
    return {
        user: [
            found | {name: found[name] and found[name] - by for name in ("added_at", "expires_at")} for found in then
        ]
        for user, then in read.items()
    }


class expecting:  # noqa: N801 -- reads as a statement
    """Expect exactly this problem, or none."""

    def __init__(self, problem):
        self.problem = problem
        self.failed = False

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _):
        assert (kind is None) == (self.problem is None), f"expected {self.problem}, got {error!r}"
        self.failed = kind is not None
        return self.failed and issubclass(kind, self.problem)


class ignoring(expecting):  # noqa: N801 -- reads as a statement
    """Ignore these problems."""

    def __init__(self, *problems):
        super().__init__(problems)

    def __exit__(self, kind, error, _):
        return kind is not None and issubclass(kind, self.problem)


def test_law_holds_whatever_is_written(migrated_database, aws):
    run_state_machine_as_test(
        lambda: Law(migrated_database, aws),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
