"""The web process: the Flask application behind Winnow's own HTTP server."""

from __future__ import annotations

import ctypes
import gc
import sys

from flask import Flask

from moderation.settings import Settings
from service import bodies, ops, short
from service.app import create_app
from service.clients import Proxies
from service.front import Bounds, Front, allow_files

#: Separate threads. Health is answered while all others are taken; checking a password costs
#: 20 MB and a core for a moment, so that strangers may have two at once.
LANES = {
    "/healthz": 1, "/readyz": 1, "/metrics": 1,
    "/desk/sign-in": 2, "/desk/password": 1, "/desk/account/address": 1,
}  # fmt: skip


#: Of glibc's mallopt: the size from which memory is given back as soon as it is free, and how many
#: heaps threads have between them.
_MMAP_THRESHOLD, _ARENAS = (-3, 131_072), (-8, 2)
#: Longest time for which a thread runs Python while another one waits to. With Python's own 5 ms the
#: event loop would wait that long for each thread that reads comments for the model.
_SWITCH_SECONDS = 0.001


def serve(settings: Settings, *, app: Flask | None = None) -> None:
    """Serve this installation until a stop signal.

    *app* is the application of a parent that has made it for this installation before it forked.
    """
    app = app or create_app(settings)
    bounds = Bounds(connections=allow_files(settings.connections))
    front = Front(
        app,
        host=settings.host,
        port=settings.port,
        threads=settings.web_threads,
        bounds=bounds,
        proxies=Proxies(settings.trusted_proxies),
        body_limit=bodies.table(app),
        lanes=LANES,
        joint=app.extensions.get(short.SHORT_WAY),
        at_once={short.PlainHealth.path: short.PlainHealth(app)} if settings.short_way else None,
    )
    ops.watch(app, front.crowd)
    _return_memory()
    # Frozen: otherwise each full garbage collection would visit all objects of the model.
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(_SWITCH_SECONDS)
    front.run()


def _return_memory() -> None:
    """Set glibc's malloc to return the memory of large bodies and answers to the system.

    Each of many threads would keep a heap as large as the largest request that it has served.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        for option in (_MMAP_THRESHOLD, _ARENAS):
            mallopt(*option)
