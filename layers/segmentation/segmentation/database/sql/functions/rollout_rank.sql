-- Return the place of a user in the order of a segment: users enter in this order, and leave in the opposite one.
-- hashint8extended folds both halves of its argument before it adds the salt, so ids that differ in the upper half
-- alone would have the same fate in every segment. The upper half is therefore hashed with the salt first.
-- Two users rarely share a place, and then in one segment only. Either may enter first.
create or replace function rollout_rank(p_user_id bigint, p_salt bigint) returns bigint
language sql immutable parallel safe
as $$
    select hashint8extended(
               case when p_user_id < 4294967296 then p_user_id
                    else p_user_id & 4294967295
                         # (hashint8extended(p_user_id >> 32, p_salt) & 4294967295) end,
               p_salt)
$$;
