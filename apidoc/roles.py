"""Which role each route asks for."""

PUBLIC = {"/health", "/docs", "/openapi.json", "/auth/sign-in"}
READING = {"/segment/user/batch"}
ADMIN = {"/auth/sign-up"}


def role_of(path: str, method: str) -> str | None:
    """Return the least role that may call a route, or None for a public one."""
    if path in PUBLIC:
        return None
    if path in ADMIN:
        return "admin"
    return "reader" if method == "get" or path in READING else "editor"
