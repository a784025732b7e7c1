"""Postgres: the connection, transactions, what errors mean, the watermark, and the schema."""
