"""A program with the generated client: add a user to a segment, and print the id of its member."""

import sys

from segmentation_client import Client
from segmentation_client.api.history import list_user_history
from segmentation_client.api.memberships import change_memberships
from segmentation_client.api.segments import create_segment, list_segment_users
from segmentation_client.models import MembershipChange, SegmentCreation

url, slug, user = sys.argv[1], sys.argv[2], int(sys.argv[3])
client = Client(base_url=url, raise_on_unexpected_status=True)

create_segment.sync(client=client, body=SegmentCreation(slug=slug))
change_memberships.sync(client=client, body=MembershipChange(user_id=user, add_segments=[slug]))
list_user_history.sync(user, client=client)
sys.stdout.write(f"{list_segment_users.sync(slug, client=client).users[0].user_id}\n")
