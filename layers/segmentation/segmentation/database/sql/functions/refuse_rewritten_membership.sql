-- Refuse an update that would rewrite a membership.
-- A row never changes its user or its segment, and it begins again only after it has expired. Otherwise an update could
-- give it to another user, or lose an exit.
create or replace function refuse_rewritten_membership() returns trigger
language plpgsql
as $$
begin
    raise exception 'a membership keeps its user, its segment and, until it has expired, its beginning'
        using errcode = 'integrity_constraint_violation';
end
$$;
