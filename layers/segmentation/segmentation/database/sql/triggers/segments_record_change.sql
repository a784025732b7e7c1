-- Fires for each creation, change and deletion of a segment. No statement can bypass it, so the change log is complete.
create or replace trigger segments_record_change
    after insert or update of slug, description, owner, user_percent, deleted_at on segments for each row
    execute function record_segment_change();

-- Begin the log of the segments that are older than it: as they are now, with the deletion of deleted ones. The trigger
-- above has locked "segments" against changes, so no change is missed.
insert into segment_changes (segment_id, changed_at, change, actor, before, after)
select segments.segment_id, known.changed_at, known.change, known.actor, known.before, known.after
  from segments
 cross join lateral (select jsonb_strip_nulls(segment_as_json(segments)) as json) found
 cross join lateral (
       values ('created', segments.created_at, null, null, found.json),
              ('deleted', greatest(segments.deleted_at, segments.created_at), segments.deleted_by, found.json, null)
       ) known (change, changed_at, actor, before, after)
 where known.changed_at is not null
   and not exists (select from segment_changes where segment_changes.segment_id = segments.segment_id)
 order by segments.segment_id, known.change;
