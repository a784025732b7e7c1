"""Work that outlasts a request: leases, the worker, and the queue of messages."""
