-- Each arrival asks which segments have a percent, while all other arrivals wait: not of all that ever were.
create index segments_with_percent on segments (segment_id) where user_percent is not null and deleted_at is null;

-- As before, but for how it looks: the statistics of a segment that was emptied just now still say that any row may be
-- one of its members, and reading all rows in vain is all that ends such a search. In order, only an index has them.
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
