-- Arrivals get their number from a sequence, so that no arrival waits for another.
-- The row of "population" is the watermark now: below it, each number has its user, or its gap is repaired.
-- triggers/users_admit.sql moves the rollouts to the new rule, because it replaces the old one at the same moment.
create sequence population_ordinals as bigint minvalue 0 owned by users.ordinal;
select setval('population_ordinals', population.arrivals, false) from population;
grant usage, select on sequence population_ordinals to segmentation_app;
alter table users alter column ordinal set default nextval('population_ordinals');

-- The seed of the draws for arrivals, and the decision about arrivals that come before the base (null: decided already).
alter table rollouts add column seed bigint not null default ('x' || md5(gen_random_uuid()::text))::bit(64)::bigint;
alter table rollouts add column until_base boolean;

-- Who set the percent, and the percent of each entry and exit that a percent caused.
alter table segments add column percent_set_by text;
alter table history add column percent numeric(5, 2);
