"""Which user is in which segment, from when until when, and why."""
