"""Print the template as written and as translated for AWS, as JSON. SAM CLI's own interpreter runs this, offline."""

import copy
import json
import sys
from pathlib import Path

from samcli.lib.translate.sam_template_validator import SamTemplateValidator
from samcli.yamlhelper import yaml_parse


class NoManagedPolicies:
    """An empty list of AWS's managed policies. SAM CLI would request it from IAM, and the template names none."""

    def load(self) -> dict[str, str]:
        """Return no policies."""
        return {}


template = yaml_parse(Path(sys.argv[1]).read_text())
validator = SamTemplateValidator(copy.deepcopy(template), NoManagedPolicies(), region="eu-central-1")
translated = yaml_parse(validator.get_translated_template_if_valid())
json.dump({"template": template, "translated": translated}, sys.stdout)
