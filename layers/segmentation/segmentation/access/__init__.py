"""Who calls, and what each role permits."""
