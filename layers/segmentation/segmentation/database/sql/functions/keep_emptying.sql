-- Keep a deleted segment marked as emptying while it has memberships, and create a job that ends them.
-- Code of an earlier release can treat such a segment as empty while another session is ending its memberships.
-- The search is ordered, because only an index can serve that order. Right after many deletions the statistics
-- are outdated: Postgres would expect a member in any row, and read the whole table.
create or replace function keep_emptying() returns trigger
language plpgsql
as $$
begin
    perform from memberships
      where memberships.segment_id = new.segment_id
      order by memberships.user_id
      limit 1;
    if found then
        new.is_emptying := true;
        insert into jobs (kind, parameters, actor)
        values ('segment_removal', jsonb_build_object('segment_id', new.segment_id),
                coalesce(new.deleted_by, 'schedule'));
    end if;
    return new;
end
$$;
