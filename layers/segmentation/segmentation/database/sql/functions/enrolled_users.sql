-- Return the segments whose percent enrols the arrivals with these numbers, and the user of each.
-- The two arrays have one entry per arrival. The decision is a pure function of its number.
-- Arrival number i since the base covers the places from phase + i * share up to the next one's. Every 10 000 places
-- are a stratum, which draws one place. The arrival that covers it is enrolled. docs/rollouts.md has the proof.
-- "offset 0" makes Postgres evaluate each expression once.
create or replace function enrolled_users(p_ordinals bigint[], p_user_ids bigint[])
    returns table (segment_id integer, user_id bigint)
language sql stable
as $$
    select drawn.segment_id, drawn.user_id
      from (select covered.*, stratum_draw(covered.seed, covered.head, covered.stratum) as draw
              from (select placed.*, placed.place / 10000 as stratum,
                           (placed.place % 10000)::integer as first,
                           (placed.place % 10000)::integer + placed.share as last,
                           stratum_head(placed.share, placed.phase, placed.place / 10000) as head
                      from (select rule.segment_id, rule.seed, rule.base_arrivals, rule.until_base, rule.share,
                                   rule.phase, rule.begins_taken, rule.is_inverted, arrival.ordinal, arrival.user_id,
                                   rule.phase + (arrival.ordinal - rule.base_arrivals) * rule.share as place
                              from arrival_rules rule
                             cross join unnest(p_ordinals, p_user_ids) arrival (ordinal, user_id)
                            offset 0) placed
                    offset 0) covered
            offset 0) drawn
     where case
           when drawn.ordinal < drawn.base_arrivals then drawn.until_base
           -- it lies across the end of the stratum, and the next stratum draws it
           when drawn.last > 10000
                and (hashint8extended(drawn.stratum + 1, drawn.seed) >> 32 & 2147483647) % drawn.first
                    < drawn.last - 10000
               then not drawn.is_inverted
           when drawn.draw >= drawn.first and drawn.draw < drawn.last
               then stratum_begins_taken(drawn.seed, drawn.share, drawn.phase, drawn.begins_taken, drawn.stratum)
                    = drawn.is_inverted
           else drawn.is_inverted
           end
$$;
