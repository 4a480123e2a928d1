"""The HTTP terminator: one event loop reads requests and writes answers, threads run the app.

A request takes a thread once all of it is here, and gives it back before its answer is taken:
slow clients hold memory, which is bounded, and no thread. docs/security/threats.md lists the limits.
"""

from service.front.bounds import Bounds
from service.front.server import Front, allow_files

__all__ = ["Bounds", "Front", "allow_files"]
