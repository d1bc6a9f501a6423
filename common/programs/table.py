"""The programs for each path of the API, in the order of their tabs."""

from . import python, typescript
from .call import Call, Program
from .curl import curl
from .packages import PACKAGES

__all__ = ["programs"]


def programs(call: Call) -> list[Program]:
    """The programs that send this request. Raises ValueError for numbers that JSON lacks."""
    found = [Program("curl", "curl", "bash", f"{curl(call)}\n")]
    package = PACKAGES.get(call.path)
    if package:
        code = python.with_package(call, package)
        found.append(Program("python", "Python", "python", code))
    found += [
        Program("requests", "requests", "python", python.with_requests(call)),
        Program("httpx", "httpx", "python", python.with_httpx(call)),
    ]
    if package:
        code = typescript.with_package(call, package)
        found.append(Program("typescript", "TypeScript", "typescript", code))
    found.append(Program("fetch", "fetch", "typescript", typescript.with_fetch(call)))
    return found
