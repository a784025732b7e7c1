-- The days whose sizes are counted: from "first_day" to "last_day", which ended at "ends_at". There is no row while the
-- members at the first counted instant are being counted.
-- The first counted instant is usually within a day. That day counts only if no operation is before the instant.
-- The view is dropped first because CREATE OR REPLACE VIEW cannot remove a column. A rollback applies the older file.
drop view if exists counted_days;

create view counted_days as
select case when size_progress.is_complete
            then (size_progress.counted_from at time zone 'UTC')::date
            else (size_progress.counted_from at time zone 'UTC' + interval '1 day' - interval '1 microsecond')::date
        end as first_day,
       (size_progress.counted_until at time zone 'UTC')::date - 1 as last_day,
       date_trunc('day', size_progress.counted_until, 'UTC') as ends_at,
       size_progress.counted_until
  from size_progress
 where size_progress.opened_until is null;

grant select on counted_days to segmentation_app;
