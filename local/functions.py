"""The template's functions, as SAM CLI reads them, run by our pool."""

import functools
from pathlib import Path
from typing import Any

from local.pool import Pool
from local.runtime import Answer, Function
from local.sam import LocalLambdaRunner, SamFunctionProvider, resolve_code_path


class Functions:
    """What the API and the Lambda endpoint invoke."""

    def __init__(
        self,
        stacks: Any,
        folder: Path,
        pool: Pool,
        variables: dict[str, str],
        function_variables: dict[str, dict[str, str]],
    ) -> None:
        self.folder = folder
        self.pool = pool
        self.variables = variables
        self.function_variables = function_variables
        self.runner = LocalLambdaRunner(Bridge(self), SamFunctionProvider(stacks), str(folder), str(folder))
        self.describe = functools.cache(self.read)

    def invoke(self, name: str, event: bytes) -> Answer:
        """Invoke a function by any name that the template gives it."""
        return self.pool.invoke(self.describe(name), event)

    def read(self, name: str) -> Function:
        """Read from the template what is needed to run the function."""
        config = self.runner.get_invoke_config(self.runner.get_function(name))
        resolved = config.env_vars.resolve()
        variables = {key: resolved[key] for key in config.env_vars.variables}
        return Function(
            name=config.name,
            handler=config.handler,
            directory=Path(config.code_abs_path),
            layers=tuple(self.importable(layer.codeuri) for layer in config.layers),
            variables=variables | self.variables | self.function_variables.get(config.name, {}),
            memory=config.memory or 128,
            timeout=config.timeout or 3,
        )

    def importable(self, code: str) -> Path:
        """Return the folder to import from: `python` in a built layer, the layer's own folder in the source."""
        folder = Path(resolve_code_path(str(self.folder), code))
        return folder / "python" if (folder / "python").is_dir() else folder


class Bridge:
    """What SAM CLI's Lambda endpoint takes for its container runtime."""

    def __init__(self, functions: Functions) -> None:
        self.functions = functions

    def invoke(self, config: Any, event: str, *_: object, stdout: Any, **__: object) -> None:
        """Invoke the function and write what came of it to where SAM CLI reads it."""
        stdout.write_str(self.functions.invoke(config.name, event.encode()).payload.decode())
