"""`make replay`: send the dead letters of the local run again, as `aws sqs start-message-move-task` does on AWS."""

import argparse
import sys
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from local import banner, queues, template
from local.queues import Queues
from local.settings import PORT, Settings, first_port


def main() -> int:
    """Send the dead letters again, print their number, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m local.replay", description=__doc__)
    parser.add_argument("--port", type=first_port, default=PORT, help="API port of the local run")
    settings = Settings(port=parser.parse_args().port)
    try:
        replayed = replay(Queues(settings.ports["SQS"]), settings.template)
    except (BotoCoreError, ClientError) as failure:
        sys.stderr.write(f"No local run has its queues on port {settings.ports['SQS']} ({failure}). Set PORT=.\n")
        return 1
    banner.say(f"Sent again: {replayed} dead letters. GET /job/{{job_id}} shows the state of a job.")
    return 0


def replay(source: Queues, path: Path) -> int:
    """Move every dead letter back to its source queue, and return the number of dead letters."""
    return sum(
        source.move(template.referred(properties["RedrivePolicy"]["deadLetterTargetArn"]), name)
        for name, properties in template.of_type(path, queues.KIND).items()
        if "RedrivePolicy" in properties
    )


if __name__ == "__main__":
    sys.exit(main())
