"""The template's functions: SAM CLI reads them, and our pool runs them."""

import functools
from pathlib import Path
from typing import Any

from local.concurrency import Concurrency
from local.pool import Pool
from local.runtime import Answer, Function
from local.sam import LocalLambdaRunner, SamFunctionProvider, resolve_code_path
from local.settings import GatewaySettings


class Functions:
    """The functions that the API and the Lambda endpoint invoke."""

    def __init__(self, stacks: Any, pool: Pool, settings: GatewaySettings) -> None:
        self.template = Path(settings.template)
        self.folder = str(self.template.parent)
        self.pool = pool
        self.settings = settings
        self.runner = LocalLambdaRunner(ContainerRuntime(self), SamFunctionProvider(stacks), self.folder, self.folder)
        self.concurrency = Concurrency(stacks[0])
        self.describe = functools.cache(self.read)

    def invoke(self, name: str, event: bytes) -> Answer:
        """Invoke a function by a name that the template gives it."""
        return self.pool.invoke(self.describe(name), event)

    def read(self, name: str) -> Function:
        """Return a function of the template."""
        config = self.runner.get_invoke_config(self.runner.get_function(name))
        return Function(
            name=config.name,
            runtime=config.runtime,
            handler=config.handler,
            directory=Path(config.code_abs_path),
            layers=tuple(self.importable(layer.codeuri) for layer in config.layers),
            variables=self.variables(config.name, config.env_vars),
            memory=config.memory or 128,
            timeout=config.timeout or 3,
            concurrency=self.concurrency.of(config.name),
        )

    def variables(self, name: str, of_template: Any) -> dict[str, str]:
        """Return the function's variables. SAM CLI resolves a !Ref to the logical name of its resource."""
        resolved = of_template.resolve()
        given = {key: self.settings.references.get(resolved[key], resolved[key]) for key in of_template.variables}
        return given | self.settings.variables | self.settings.function_variables.get(name, {})

    def importable(self, code: str) -> Path:
        """Return the import folder of a layer: `python` in a built layer, the layer's own folder in the source."""
        folder = Path(resolve_code_path(self.folder, code))
        return folder / "python" if (folder / "python").is_dir() else folder


class ContainerRuntime:
    """The object that SAM CLI's Lambda endpoint uses as its container runtime."""

    def __init__(self, functions: Functions) -> None:
        self.functions = functions

    def invoke(self, config: Any, event: str, *_: object, stdout: Any, **__: object) -> None:
        """Invoke the function, and write its answer to the stream that SAM CLI reads."""
        stdout.write_str(self.functions.invoke(config.name, event.encode()).payload.decode())
