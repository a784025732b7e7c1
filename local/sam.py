# mypy: disable-error-code="import-not-found"
# SAM CLI has an environment of its own, so mypy, which runs in ours, does not find it.
"""The classes of SAM CLI that we use. They are private to it, so the requirement file pins an exact version."""

from pathlib import Path

import samcli.local
from samcli.commands.local.lib.local_lambda import LocalLambdaRunner
from samcli.lib.intrinsic_resolver.intrinsic_property_resolver import IntrinsicResolver
from samcli.lib.intrinsic_resolver.intrinsics_symbol_table import IntrinsicsSymbolTable
from samcli.lib.providers.api_provider import ApiProvider
from samcli.lib.providers.sam_function_provider import SamFunctionProvider
from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider
from samcli.lib.utils.codeuri import resolve_code_path
from samcli.local.apigw.exceptions import LambdaResponseParseException
from samcli.local.apigw.local_apigw_service import CatchAllPathConverter, LocalApigwService
from samcli.local.apigw.path_converter import PathConverter
from samcli.local.apigw.route import Route
from samcli.local.lambda_service.local_lambda_http_service import LocalLambdaHttpService

EMULATORS = Path(next(iter(samcli.local.__path__))) / "rapid"

__all__ = [
    "EMULATORS",
    "ApiProvider",
    "CatchAllPathConverter",
    "IntrinsicResolver",
    "IntrinsicsSymbolTable",
    "LambdaResponseParseException",
    "LocalApigwService",
    "LocalLambdaHttpService",
    "LocalLambdaRunner",
    "PathConverter",
    "Route",
    "SamFunctionProvider",
    "SamLocalStackProvider",
    "resolve_code_path",
]
