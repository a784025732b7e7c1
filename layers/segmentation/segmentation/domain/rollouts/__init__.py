"""Percent rollouts: the rule, the enrolment in SQL, and the job for large changes."""
