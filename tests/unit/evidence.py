"""What is recorded about a user of whom nothing is known but the id."""

from datetime import UTC, datetime

from segmentation.domain.because import Evidence

AT = datetime(2026, 3, 10, tzinfo=UTC)
NOTHING = Evidence(
    at=AT,
    slug="AVITO_30",
    percent=None,
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
    deletion=None,
    last=None,
    entry=None,
    kept=None,
    user_known=True,
    user_deletion=None,
)
