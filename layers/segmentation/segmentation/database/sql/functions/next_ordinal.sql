-- Return the number that the next arrival gets. The call does not use it up.
create or replace function next_ordinal() returns bigint
language sql volatile
as $$
    select case when population_ordinals.is_called then population_ordinals.last_value + 1
                else population_ordinals.last_value end
      from population_ordinals
$$;
