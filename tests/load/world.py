"""What the clients of a day find: names that both they and what fills the database know.

Only the standard library: the clients live in an environment of their own.
"""

LASTING = [f"SEGMENT_{number}" for number in range(180)]
"""Changed by hand, without a lifetime."""

BRIEF = [f"OFFER_{number}" for number in range(10)]
"""Entered for seconds: the schedule has something to do all the time."""

ROLLED_OUT = [f"ROLLOUT_{number}" for number in range(10)]
"""Whose percent changes, and nothing else."""

CAMPAIGN = "CAMPAIGN_"
"""How the segments begin that come and go."""

HOT_USERS = range(1, 11)
"""Whom many clients change at once."""

NAMED_FROM = 10**12
"""The lowest number of users whom a change of memberships names first."""
