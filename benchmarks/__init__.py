"""Speed as a ratio: the work of the service compared with the same work in bare SQL, in one run."""
