-- Return the size of a day as JSON. The caller has set DateStyle to ISO, because to_char() takes longer.
-- Postgres inlines the function.
create or replace function size_of_day_as_json(p_day date, p_members bigint, p_added bigint, p_removed bigint)
    returns text
language sql stable
as $$
    select concat('{"day":"', p_day, '","members":', p_members, ',"added":', p_added, ',"removed":', p_removed, '}')
$$;
