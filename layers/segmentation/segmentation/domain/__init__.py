"""Users, segments and memberships: what the service records, and the rules that it keeps."""
