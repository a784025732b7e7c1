-- Fires for an update that marks a segment as emptied.
create or replace trigger segments_keep_emptying before update of is_emptying on segments for each row
    when (old.is_emptying and not new.is_emptying)
    execute function keep_emptying();
