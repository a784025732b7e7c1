"""The local event bus: moto's. A rule sends every event to a queue of the same name."""

import json

from local import queues
from local.queues import Queues


def create(source: Queues, name: str) -> None:
    """Create the bus, its queue and the rule between them."""
    source.client.create_queue(QueueName=name)
    events = source.client_of("events")
    events.create_event_bus(Name=name)
    events.put_rule(Name=name, EventBusName=name, EventPattern=json.dumps({"source": ["segmentation"]}))
    events.put_targets(Rule=name, EventBusName=name, Targets=[{"Id": "queue", "Arn": queues.arn(name)}])
