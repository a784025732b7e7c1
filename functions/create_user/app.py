"""POST /user: register a user with the given id or with a free one."""

from aws_lambda_powertools.event_handler import Response, content_types

from segmentation.api.openapi import NEW_OR_KNOWN_USER
from segmentation.api.resolver import Api
from segmentation.contract.requests import NewUser
from segmentation.contract.responses import UserRef
from segmentation.database.connection import get_connection
from segmentation.domain import users

app = Api()
handler = app.resolve


@app.post("/user", status_code=201, responses=NEW_OR_KNOWN_USER)
def create_user(body: NewUser | None = None) -> Response[UserRef]:
    """Register a user: 201, or 200 if the id is registered already."""
    user_id, is_new = users.create(get_connection(), body.user_id if body else None, actor=app.actor)
    return Response(201 if is_new else 200, content_types.APPLICATION_JSON, UserRef(user_id=user_id))
