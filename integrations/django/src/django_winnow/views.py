"""The view that takes Winnow's webhooks."""

from __future__ import annotations

from functools import cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from winnow_client import BadSignature, Webhook

from django_winnow import screening

_LONGEST = 65_536


@cache
def _webhook() -> Webhook:
    return Webhook(*settings.WINNOW_SECRETS)


@csrf_exempt
@require_POST
def receive(request: HttpRequest) -> HttpResponse:
    """Do what a signed event says; 401 for everything else."""
    body = request.read(_LONGEST + 1)  # request.body would read all of it, however long
    if len(body) > _LONGEST:
        return HttpResponse(status=413)
    try:
        event = _webhook().verify(body, request.headers)
    except BadSignature:
        return HttpResponse(status=401)
    screening.hear(event)
    return HttpResponse(status=204)
