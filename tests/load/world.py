"""Names that the clients of a day share with the code that fills the database.

This module uses the standard library only, because the clients have their own environment.
"""

LASTING = [f"SEGMENT_{number}" for number in range(180)]
"""Segments with manual changes, without a lifetime."""

BRIEF = [f"OFFER_{number}" for number in range(10)]
"""Segments with lifetimes of seconds, so that the schedule always has work."""

ROLLED_OUT = [f"ROLLOUT_{number}" for number in range(10)]
"""Segments whose percent changes, without manual changes."""

CAMPAIGN = "CAMPAIGN_"
"""The prefix of segments that are created and deleted."""

HOT_USERS = range(1, 11)
"""Users that many clients change at the same time."""

NAMED_FROM = 10**12
"""The lowest number of users that a membership change creates."""
