"""Comments of django-contrib-comments are shown when Winnow says so.

In an app of yours, with examples/blog/winnow.py beside it; settings.py has WINNOW_URL, WINNOW_KEY and
WINNOW_SECRET. `import yourapp.moderated` in your AppConfig's ready(), and
`path("winnow", moderated.decided)` in urls.py.
"""

import json
import logging

from django.conf import settings
from django.core.cache import cache
from django.dispatch import receiver
from django.http import HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from django_comments import get_model
from django_comments.signals import comment_was_posted, comment_will_be_posted

from .winnow import is_genuine, submit

log = logging.getLogger(__name__)


@receiver(comment_will_be_posted)
def hold(sender, comment, request, **more):
    """Show nothing before it was looked at."""
    comment.is_public = False


@receiver(comment_was_posted)
def ask(sender, comment, request, **more):
    """Submit what was posted. If Winnow is away it stays hidden; call this again later."""
    post = comment.content_object
    told = {
        "external_id": str(comment.pk),
        "content": comment.comment,
        "author": {
            "name": comment.user_name,
            "email": comment.user_email,
            "url": comment.user_url,
            "ip": comment.ip_address or "",
            "user_agent": request.headers.get("User-Agent", "")[:1000],
        },
        "post": {"url": request.build_absolute_uri(post.get_absolute_url()), "title": str(post)},
    }
    try:
        submit(settings.WINNOW_URL, settings.WINNOW_KEY, told)
    except OSError as problem:
        log.warning("comment %s was not submitted: %s", comment.pk, problem)


@csrf_exempt
@require_POST
def decided(request):
    """Show a comment, or hide it again, when Winnow's webhook says so."""
    if not is_genuine(settings.WINNOW_SECRET, request.headers, request.body):
        return HttpResponse(status=401)
    event = json.loads(request.body)
    known = event["data"].get("external_id", "")
    turn, seen = event["data"].get("sequence", 0), f"winnow:{known}"
    if known.isdigit() and turn > cache.get(seen, 0):  # a lower one was late
        cache.set(seen, turn, 8 * 86_400)
        public = event["type"] == "comment.approved"
        get_model().objects.filter(pk=known).update(is_public=public)
    return HttpResponse(status=204)
