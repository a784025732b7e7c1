"""The whole service on one machine, without AWS and without Docker."""
