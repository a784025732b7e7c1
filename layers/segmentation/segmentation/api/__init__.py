"""The HTTP side of the service: routing, bodies, parameters, and the API document."""
