"""Step the database's clock, as its data sees it: move every stored instant in the other direction."""

from datetime import timedelta
from typing import Any

# A trigger would refuse to rewrite a membership, so the triggers are off.
MOVE = """
do $$
declare
    v_table text;
    v_changes text;
begin
    set local session_replication_role = replica;
    for v_table, v_changes in
        select pg_class.oid::regclass,
               string_agg(format('%1$I = %1$I - interval ''{by}''', pg_attribute.attname), ', ')
          from pg_class
          join pg_attribute on pg_attribute.attrelid = pg_class.oid
         where pg_class.relnamespace = 'public'::regnamespace and pg_class.relkind in ('r', 'p')
           and not pg_class.relispartition and pg_class.relname not like 'schema%'
           and pg_attribute.atttypid = 'timestamptz'::regtype
         group by pg_class.oid
    loop
        execute format('update %s set %s', v_table, v_changes);
    end loop;
    perform setval('latest_moment', greatest(latest_moment.last_value - {microseconds}, 1)) from latest_moment;
end
$$
"""


def step(superuser: Any, by: timedelta) -> None:
    """Step the clock forward, or back if the time is negative."""
    microseconds = by // timedelta(microseconds=1)
    text = MOVE.format(by=f"{microseconds} microseconds", microseconds=microseconds)
    with superuser.transaction():
        superuser.execute(text)


# Twice, because a single update would make two rows of a segment have one day for a moment.
MOVE_DAYS = """
update segment_days set day = segment_days.day - 1000000;
update segment_days set day = segment_days.day + 1000000 - {days};
"""


def let_days_pass(superuser: Any, days: int) -> None:
    """Step the clock forward by whole days, and the days that are counted with it."""
    with superuser.transaction():
        step(superuser, timedelta(days=days))
        superuser.execute(MOVE_DAYS.format(days=days))
