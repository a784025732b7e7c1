-- Fires for each creation, change and deletion of a segment, also by plain SQL.
create or replace trigger segments_date_change
    before insert or update of slug, description, owner, user_percent, deleted_at on segments for each row
    execute function date_segment_change();
