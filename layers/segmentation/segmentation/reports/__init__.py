"""CSV files of a user or of a month, and their storage in S3."""
