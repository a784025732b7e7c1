"""CORS as AWS's HTTP API answers it. SAM CLI's ignores the condition of a configuration, and exposes no header."""

from typing import Any

from flask import Flask, Response, request

from local.sam import SamLocalStackProvider

Configuration = dict[str, Any]


def take(stack: SamLocalStackProvider) -> Configuration:
    """Return the CorsConfiguration of the stack's API, without its condition, and hide it from SAM CLI."""
    for resource in stack.resources.values():
        if resource["Type"] == "AWS::Serverless::HttpApi" and "CorsConfiguration" in resource["Properties"]:
            found: Configuration = resource["Properties"].pop("CorsConfiguration")["Fn::If"][1]
            return found
    return {}


def answer(app: Flask, configuration: Configuration, origins: str) -> None:
    """Let pages of these origins, separated by commas, call the API. No preflight reaches a function."""
    allowed = {origin.strip() for origin in origins.split(",")} - {""}

    def answer_preflight() -> Response | None:
        is_preflight = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        return Response(status=204) if is_preflight else None

    def add_headers(response: Response) -> Response:
        origin = request.headers.get("Origin")
        if origin and not allowed.isdisjoint({origin, "*"}):
            response.headers.update(headers(configuration, "*" if "*" in allowed else origin, request.method))
        return response

    if allowed:
        app.before_request(answer_preflight)
        app.after_request(add_headers)


def headers(configuration: Configuration, origin: str, method: str) -> dict[str, str]:
    """Return the headers that permit a page of this origin to read the answer, or to send what it asked for."""
    permitted = {"Access-Control-Allow-Origin": origin}
    if method != "OPTIONS":
        return permitted | {"Access-Control-Expose-Headers": ",".join(configuration["ExposeHeaders"])}
    return permitted | {
        "Access-Control-Allow-Methods": ",".join(configuration["AllowMethods"]),
        "Access-Control-Allow-Headers": ",".join(configuration["AllowHeaders"]),
        "Access-Control-Max-Age": str(configuration["MaxAge"]),
    }
