"""The log: one JSON line an event, with ids and never with bodies."""

from aws_lambda_powertools import Logger

logger = Logger(service="segmentation", utc=True, use_rfc3339=True)
