"""The WSGI entry: ``granian --interface wsgi --factory service.web:make``."""

from __future__ import annotations

import os

from flask import Flask

from moderation import logs
from moderation.settings import from_env
from service.app import create_app


def make() -> Flask:
    """Return the application for the settings of this process's environment."""
    settings = from_env(os.environ)
    logs.configure(settings)
    return create_app(settings)
