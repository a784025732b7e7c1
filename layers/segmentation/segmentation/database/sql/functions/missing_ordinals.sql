-- Return the numbers in a range that no user has. The range is half-open.
create or replace function missing_ordinals(p_first bigint, p_end bigint) returns bigint[]
language sql stable
as $$
    select array(
        select generate_series(p_first, p_end - 1)
        except
        select users.ordinal from users where users.ordinal >= p_first and users.ordinal < p_end)
$$;
