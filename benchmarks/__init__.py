"""Speed as a ratio: what the service does, beside the same work in bare SQL, in one run."""
