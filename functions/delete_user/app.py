"""DELETE /user/{user_id}: end the user's memberships and delete the user."""

from segmentation.api.parameters import Erase, UserIdInPath
from segmentation.api.resolver import Api
from segmentation.contract.problems import StorageUnavailable, UserUnknown, raises
from segmentation.contract.responses import UserDeleted
from segmentation.database.connection import get_connection
from segmentation.domain import users
from segmentation.reports import erasure

app = Api()
handler = app.resolve


@app.delete("/user/<user_id>")
@raises(UserUnknown, StorageUnavailable)
def delete_user(user_id: UserIdInPath, erase: Erase = False) -> UserDeleted:
    """Delete a user. The history and the report files stay, unless the request erases them."""
    delete = erasure.erase if erase else users.delete
    return delete(get_connection(), user_id, actor=app.actor)
