"""Callers: their accounts and tokens, and what each role permits."""
