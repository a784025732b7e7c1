-- Return an instant as JSON, in the form of every answer: in UTC, and with six digits after the second or none.
-- Postgres inlines the function. It is stable, and not immutable, because to_char() is.
create or replace function instant_as_json(p_instant timestamptz) returns text
language sql stable
as $$
    select coalesce(
        replace(to_char(p_instant at time zone 'UTC', '\"YYYY-MM-DD"T"HH24:MI:SS.US"Z"\"'), '.000000Z', 'Z'), 'null')
$$;
