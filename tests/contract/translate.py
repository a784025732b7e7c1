"""Print, as JSON, the template as written and as AWS gets it; run by SAM CLI's own interpreter, offline."""

import copy
import json
import sys
from pathlib import Path

from samcli.lib.translate.sam_template_validator import SamTemplateValidator
from samcli.yamlhelper import yaml_parse


class NoManagedPolicies:
    """Stand in for the list of AWS's managed policies, which SAM CLI asks IAM for; the template names none."""

    def load(self) -> dict[str, str]:
        """Return no policies."""
        return {}


template = yaml_parse(Path(sys.argv[1]).read_text())
validator = SamTemplateValidator(copy.deepcopy(template), NoManagedPolicies(), region="eu-central-1")
translated = yaml_parse(validator.get_translated_template_if_valid())
json.dump({"template": template, "translated": translated}, sys.stdout)
