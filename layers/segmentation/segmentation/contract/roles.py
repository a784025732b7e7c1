"""The roles of callers, and the subjects that no caller can have."""

from typing import Literal, get_args

Role = Literal["reader", "editor", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
"""In ascending order: each role permits everything that the roles before it permit."""

RESERVED_SUBJECTS = frozenset({"local", "schedule"})
"""The names of actors without a token in the history. No account can have them."""
