"""django-contrib-comments: hidden when posted, submitted, and shown as Winnow says."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django_comments import get_model
from django_comments.signals import comment_was_posted, comment_will_be_posted
from winnow_client import Author, Comment, Post

from django_winnow import screening


class Adapter:
    """Reads and shows the site's comments."""

    def comment(self, external_id: str) -> Comment | None:
        """Return a comment to submit, None if it is gone."""
        found = get_model().objects.filter(pk=external_id, is_removed=False).first()
        if found is None:
            return None
        post = found.content_object
        url = found.get_content_object_url() if post is not None else ""
        host = f"https://{found.site.domain}" if url.startswith("/") else ""
        return Comment(
            content=found.comment,
            external_id=str(found.pk),
            author=Author(
                name=found.user_name[:200],
                email=found.user_email[:320],
                url=found.user_url[:2000],
                ip=found.ip_address or "",
                role="staff" if found.user and found.user.is_staff else "",
            ),
            post=Post(url=f"{host}{url}"[:2000], title=str(post or "")[:500]),
            submitted_at=found.submit_date,
        )

    def show(self, external_id: str, *, is_public: bool) -> None:
        """Publish a comment, or hide it."""
        get_model().objects.filter(pk=external_id).update(is_public=is_public)

    def rewrite(self, external_id: str, content: str) -> None:
        """Show a moderator's text in the place of the author's."""
        get_model().objects.filter(pk=external_id).update(comment=content)


def hold(sender: Any, comment: Any, **_: Any) -> None:
    """Show nothing before it was looked at."""
    comment.is_public = False


def submit(sender: Any, comment: Any, **_: Any) -> None:
    """Submit a posted comment once its transaction is committed."""
    external_id = str(comment.pk)
    transaction.on_commit(lambda: screening.screen(external_id))


def connect() -> None:
    """Connect to the signal of every posted comment."""
    comment_will_be_posted.connect(hold, dispatch_uid="django_winnow.hold")
    comment_was_posted.connect(submit, dispatch_uid="django_winnow.submit")
