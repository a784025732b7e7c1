"""Imports: a file with many users becomes memberships of one segment, and each line gets a verdict."""
