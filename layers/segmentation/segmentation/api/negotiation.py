"""What a client prefers, by its Accept and Accept-Encoding headers (RFC 9110, section 12.5)."""

import re


def prefers_csv(accept: str) -> bool:
    """Return whether an Accept header weighs CSV above JSON."""
    weights = _weights(accept)
    anything = weights.get("*/*", 0.0)
    csv = weights.get("text/csv", weights.get("text/*", anything))
    return csv > weights.get("application/json", weights.get("application/*", anything))


def accepts_gzip(accept_encoding: str) -> bool:
    """Return whether an Accept-Encoding header permits gzip. A weight of 0 forbids it."""
    weights = _weights(accept_encoding)
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def _weights(header: str) -> dict[str, float]:
    weights = {}
    for item in header.lower().split(","):
        name, *parameters = (part.strip() for part in item.split(";"))
        quality = next((text[2:] for text in parameters if text.startswith("q=")), "1")
        weights[name] = float(quality) if re.fullmatch(r"[01](\.[0-9]{0,3})?", quality) else 0.0
    return weights
