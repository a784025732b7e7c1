"""The version of the service, by semantic versioning. A test compares every other place that names it."""

VERSION = "1.0.0"
