"""A program with OpenFeature's stock client: print what it reads of flags, and of errors."""

import json
import sys

from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext

url, *questions = sys.argv[1:]
api.set_provider_and_wait(OFREPProvider(url))


def answer(question: str) -> dict[str, object]:
    key, _, user = question.partition("=")
    found = api.get_client().get_boolean_details(key, False, EvaluationContext(user or None, {"plan": "premium"}))
    error = found.error_code.value if found.error_code else None
    return {
        "value": found.value,
        "variant": found.variant,
        "reason": str(found.reason),
        "metadata": dict(found.flag_metadata),
        "error": error,
    }


sys.stdout.write(json.dumps([answer(question) for question in questions]))
