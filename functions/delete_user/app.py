"""DELETE /user/{user_id}: end the user's memberships and delete the user."""

from segmentation.api.parameters import Erase, UserIdInPath
from segmentation.api.resolver import Api
from segmentation.contract.problems import UserUnknown, raises
from segmentation.contract.responses import UserDeleted
from segmentation.database.connection import get_connection
from segmentation.domain import users

app = Api()
handler = app.resolve


@app.delete("/user/<user_id>")
@raises(UserUnknown)
def delete_user(user_id: UserIdInPath, erase: Erase = False) -> UserDeleted:
    """Delete a user. The history stays, unless the request erases it."""
    return users.delete(get_connection(), user_id, erase=erase, actor=app.actor)
