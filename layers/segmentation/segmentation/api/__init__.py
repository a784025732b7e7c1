"""HTTP in front of the domain."""
