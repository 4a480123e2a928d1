"""The web process: the application behind its terminator."""

from __future__ import annotations

import gc

from moderation import logs
from moderation.settings import Settings
from service import bodies
from service.app import create_app
from service.clients import Proxies
from service.front import Bounds, Front, allow_files

#: Threads of their own. Health is told while all others are taken; checking a password costs
#: 20 MB and a core for a moment, so that strangers may have two at once.
LANES = {"/healthz": 1, "/readyz": 1, "/metrics": 1, "/desk/sign-in": 2, "/desk/password": 1}


def serve(settings: Settings) -> None:
    """Serve this installation until the process is told to stop."""
    logs.configure(settings)
    app = create_app(settings)
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
    )
    # What was loaded stays: without this each full collection would walk through the model.
    gc.collect()
    gc.freeze()
    front.run()
