-- Date a change of a segment: created_at and updated_at are instants of the clock that never goes back.
-- The change log has the same instants. A change that changes nothing keeps updated_at.
-- Only the default of created_at, the start of the transaction, is replaced: an operator may give another instant.
-- The comment of a deletion stays with the segment, because other sessions can write the exits later.
create or replace function date_segment_change() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
begin
    if tg_op = 'INSERT' then
        if new.created_at = now() then
            new.created_at := next_moment();
            new.updated_at := new.created_at;
        end if;
        return new;
    end if;
    if (new.slug, new.description, new.owner, new.user_percent)
       is distinct from (old.slug, old.description, old.owner, old.user_percent) then
        new.updated_at := greatest(next_moment(), old.updated_at + interval '1 microsecond');
    end if;
    if old.deleted_at is null and new.deleted_at is not null then
        new.deleted_cause_id := history_cause();
    end if;
    return new;
end
$$;

revoke all on function date_segment_change() from public;
