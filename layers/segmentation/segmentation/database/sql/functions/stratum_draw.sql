-- Return the place, from 0 to 9999, at which a stratum draws its arrival. Each place after the head is as likely.
create or replace function stratum_draw(p_seed bigint, p_head integer, p_stratum bigint) returns integer
language sql immutable parallel safe
as $$
    select p_head + ((hashint8extended(p_stratum, p_seed) & 2147483647) % (10000 - p_head))::integer
$$;
