"""The query of a URL -> whether a ranking is a rehearsal: shown with all its stages, neither logged nor remembered."""

from fastapi import Request

from serving.errors import InvalidRequest

_SAID = {"1": True, "true": True, "0": False, "false": False}


def dry_run(request: Request) -> bool:
    """What `?dry_run=` says. Raises InvalidRequest."""
    if not request.scope["query_string"]:  # nearly always; reading a query costs as much as a stage
        return False
    said = request.query_params.get("dry_run", "0")
    if said not in _SAID:
        raise InvalidRequest(f"`dry_run` is 1 or 0, not {said!r}", "dry_run")
    return _SAID[said]
