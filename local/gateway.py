"""The API and the Lambda invoke endpoint: SAM CLI's own, with our execution environments.

Run by `.local/sam/bin/python -m local.gateway settings.json`.
"""

import platform
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server

from local import cors, ports, template
from local.functions import Functions
from local.http_api import HttpApi
from local.pool import Pool
from local.runtime import Launcher
from local.sam import EMULATORS, ApiProvider, LocalLambdaHttpService, SamLocalStackProvider
from local.settings import GatewaySettings

ARCHITECTURES = {"aarch64": "arm64", "arm64": "arm64", "x86_64": "x86_64", "AMD64": "x86_64"}


class Quiet(WSGIRequestHandler):
    """Handle requests with HTTP/1.1, without a log and without werkzeug's name."""

    protocol_version = "HTTP/1.1"
    server_version = "segmentation-local"
    sys_version = ""
    disable_nagle_algorithm = True
    # the form of API Gateway for a request that reaches no application, for example with a path of 64 KiB
    error_content_type = "application/json"
    error_message_format = '{"message": "%(explain)s"}'

    def log_request(self, *_: object) -> None:
        """Write nothing: the application has its own log."""


def main() -> None:
    """Serve until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    settings = GatewaySettings.read(Path(sys.argv[1]))
    launcher = Launcher(Path(settings.interpreter), emulator(settings.worker), Path(settings.logs))
    pool = Pool(launcher, settings.wait_seconds)
    try:
        serve(settings, pool)
    finally:
        pool.stop()


def emulator(worker: bool) -> Path | None:
    """Return AWS's runtime emulator. It exists for Linux only, and a worker does without it."""
    if worker or sys.platform != "linux":
        return None
    return EMULATORS / f"aws-lambda-rie-{ARCHITECTURES[platform.machine()]}"


def serve(settings: GatewaySettings, pool: Pool) -> None:
    """Serve the API and the Lambda endpoint."""
    stacks, _ = SamLocalStackProvider.get_stacks(settings.template)
    for stack in stacks:
        stack.template_dict = template.without_aliases(stack.template_dict)
    functions = Functions(stacks, pool, settings)
    configuration = cors.take(stacks[0])
    api = HttpApi(ApiProvider(stacks, cwd=functions.folder).api, functions, settings.port, ports.HOST, configuration)
    endpoint = LocalLambdaHttpService(functions.runner, settings.lambda_port, ports.HOST)
    threading.Thread(target=listen(endpoint).serve_forever, daemon=True).start()
    listen(api).serve_forever()


def listen(service: Any) -> Any:
    """Open the service's port. Each connection gets a thread."""
    service.create()
    return make_server(service.host, service.port, service._app, threaded=True, request_handler=Quiet)


if __name__ == "__main__":
    main()
