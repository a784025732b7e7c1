"""CSV files of a user or of a month, and their store in S3."""
