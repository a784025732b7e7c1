"""Imports: add the users of a file to a segment, or remove them, with a verdict for each line."""
