-- The rules by which live percent segments enrol arrivals. docs/rollouts.md explains the draws.
-- A share above a half draws the users who stay out (is_inverted), so that "share" is at most 5000 of 10 000.
-- "phase" is the fraction of the share at the base, in ten-thousandths. "begins_taken": the base rounded it up.
-- The view is dropped first because CREATE OR REPLACE VIEW cannot remove a column. A rollback applies the older file.
drop view if exists arrival_rules;

create view arrival_rules as
select rule.segment_id, rule.seed, rule.basis_points, rule.base_users, rule.base_arrivals, rule.taken, rule.until_base,
       rule.is_inverted,
       case when rule.is_inverted then 10000 - rule.basis_points else rule.basis_points end as share,
       case when rule.is_inverted and rule.fraction > 0 then 10000 - rule.fraction else rule.fraction end as phase,
       case when rule.is_inverted then rule.fraction > 0 and rule.ahead <= 0 else rule.ahead > 0 end as begins_taken
  from (select rollouts.segment_id, rollouts.seed, rollouts.base_users, rollouts.base_arrivals, rollouts.taken,
               rollouts.until_base, percent.basis_points, percent.basis_points > 5000 as is_inverted,
               (rollouts.base_users * percent.basis_points % 10000)::integer as fraction,
               rollouts.taken - rollouts.base_users * percent.basis_points / 10000 as ahead
          from (select segments.segment_id, (segments.user_percent * 100)::integer as basis_points
                  from segments
                 where segments.user_percent > 0 and segments.deleted_at is null
                -- compute the percent as an integer once per segment, not in each expression that uses it
                offset 0) percent
         cross join lateral (
               select rollouts.*
                 from rollouts
                where rollouts.segment_id = percent.segment_id
               -- look up each rollout by its key: a session would keep a join that suits only a few rollouts
               offset 0) rollouts) rule
-- evaluate each expression once per segment, not once per arrival
offset 0;
