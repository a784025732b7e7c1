-- The latest instant that the function next_moment has returned, in microseconds since 1970.
-- A sequence is never rolled back, and its writers wait for each other only while they set it.
create sequence if not exists latest_moment as bigint;
grant select, update on sequence latest_moment to segmentation_app;

-- The clock of the database may have stepped back before this migration.
select setval('latest_moment', greatest(latest_moment.last_value, written.latest))
  from latest_moment
 cross join (select (extract(epoch from max(history.executed_at)) * 1000000)::bigint as latest from history) written
 where written.latest > 0;
