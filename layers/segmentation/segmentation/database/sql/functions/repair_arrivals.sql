-- Repair the gaps that rolled-back arrivals left in the numbers, and return how many there were.
-- A gap took a number, and perhaps a place in a segment, but no user. Each rule therefore begins again with the users
-- who did arrive and the places that they took. Where that is not the share, the next arrivals level it: all of them
-- are enrolled, or none, until the count is the floor or the ceiling of the share again.
-- Numbers below the watermark in "population" are verified already. Most calls find no gap and take no lock.
-- A user who was deleted since the last call leaves a gap as well, with the same effect.
create or replace function repair_arrivals() returns integer
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    v_verified bigint;
    v_settled bigint;
    v_next bigint;
    v_gaps bigint[];
begin
    select population.arrivals into v_verified from population for update skip locked;
    if not found then
        return 0;  -- another call is doing it
    end if;
    v_next := next_ordinal();
    if (select count(*) from users where users.ordinal >= v_verified and users.ordinal < v_next)
       = v_next - v_verified then
        update population set arrivals = v_next where population.arrivals <> v_next;
        return 0;
    end if;

    -- Most gaps are found before new users wait.
    v_settled := settle_arrivals();
    v_gaps := missing_ordinals(v_verified, v_settled);
    v_next := hold_arrivals();
    v_gaps := v_gaps || missing_ordinals(v_settled, v_next);
    with gap as (
        select arrival_rules.segment_id, count(*) as users
          from arrival_rules
          join unnest(v_gaps) missing (ordinal)
            on missing.ordinal >= arrival_rules.base_arrivals or arrival_rules.until_base is not null
         group by arrival_rules.segment_id),
    drawn as (
        select enrolled.segment_id, count(*) as users from enrolled_arrivals(v_gaps) enrolled group by 1),
    state as (
        select gap.segment_id, rule.basis_points::numeric as percent,
               rule.base_users + v_next - rule.base_arrivals - gap.users as users,
               count_enrolled_arrivals(gap.segment_id, v_next - rule.base_arrivals) - coalesce(drawn.users, 0) as taken
          from gap
          join arrival_rules rule on rule.segment_id = gap.segment_id
          left join drawn on drawn.segment_id = gap.segment_id),
    levelled as (
        select state.*, state.taken - floor(state.users * state.percent / 10000) < 0 as is_short,
               case
               -- fewer than the floor: every arrival is enrolled until the count is the floor
               when state.taken < floor(state.users * state.percent / 10000)
               then coalesce(floor((state.users * state.percent - 10000 * (state.taken + 1))
                                   / nullif(10000 - state.percent, 0)) + 1, 0)
               -- more than the ceiling: no arrival is enrolled until the count is the ceiling
               else greatest(0, floor((10000 * (state.taken - 1) - state.users * state.percent) / state.percent) + 1)
               end::bigint as arrivals
          from state)
    update rollouts
       set base_users = levelled.users + levelled.arrivals,
           base_arrivals = v_next + levelled.arrivals,
           taken = levelled.taken + case when levelled.is_short then levelled.arrivals else 0 end,
           until_base = case when levelled.arrivals > 0 then levelled.is_short end
      from levelled
     where rollouts.segment_id = levelled.segment_id;
    update population set arrivals = v_next;
    return cardinality(v_gaps);
end
$$;

revoke all on function repair_arrivals() from public;
grant execute on function repair_arrivals() to segmentation_app;
