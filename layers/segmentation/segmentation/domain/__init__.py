"""Users, segments and memberships: the records of the service, and its rules."""
