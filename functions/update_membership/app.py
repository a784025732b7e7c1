"""PATCH /segment/user/{user_id}/{slug}: change the lifetime of a membership, or make it permanent."""

from segmentation.api.parameters import SlugInPath, UserIdInPath
from segmentation.api.resolver import Api
from segmentation.contract.problems import MembershipUnknown, raises
from segmentation.contract.requests import LifetimeChange
from segmentation.contract.responses import Membership
from segmentation.database.connection import get_connection
from segmentation.domain import memberships

app = Api()
handler = app.resolve


@app.patch("/segment/user/<user_id>/<slug>")
@raises(MembershipUnknown)
def update_membership(user_id: UserIdInPath, slug: SlugInPath, body: LifetimeChange) -> Membership:
    """Change the end of an active membership. null makes it permanent."""
    return memberships.change_lifetime(get_connection(), user_id, slug, body, actor=app.actor)
