-- The history as it is read: the recorded operations, and the exits that happened but are not recorded yet.
-- An exit is not recorded until the schedule or a job deletes its membership. The rows have two sources: the table
-- "history", and memberships that expired or whose deleted segment a job is still emptying.
-- "place" orders the rows of one user and one instant. It is the same before and after an exit is recorded, so a cursor
-- neither repeats nor skips a row. An unrecorded exit has no history_id yet, so its place is made of the segment. It is
-- greater than any history_id there will be: exits come after all other rows of their instant.
-- No two rows of a user have the same instant and place. A segment is deleted once, and a membership ends after it
-- begins, which is after the end of the membership before it.
-- The view is dropped first because CREATE OR REPLACE VIEW cannot remove a column. A rollback applies the older file.
drop view if exists operations;

create view operations as
select history.user_id, history.segment_id, history.slug, history.action_id, history.reason, history.actor,
       history.cause_id, history.expires_at, history.executed_at, history.history_id,
       case when history.action_id = 2 and history.reason in ('ttl', 'segment_deleted')
            then 9223372034707292160 + history.segment_id
            else history.history_id end as place
  from history
 union all
select memberships.user_id, memberships.segment_id, segments.slug, 2,
       case when segments.deleted_at < coalesce(memberships.expires_at, 'infinity')
            then 'segment_deleted' else 'ttl' end::reason,
       case when segments.deleted_at < coalesce(memberships.expires_at, 'infinity')
            then segments.deleted_by else 'schedule' end,
       case when segments.deleted_at < coalesce(memberships.expires_at, 'infinity')
            then segments.deleted_cause_id end,
       memberships.expires_at, least(memberships.expires_at, segments.deleted_at),
       9223372034707292160 + segments.segment_id, 9223372034707292160 + segments.segment_id
  from memberships
  join segments on segments.segment_id = memberships.segment_id
 where segments.is_emptying or not is_active(memberships.expires_at);

grant select on operations to segmentation_app;
