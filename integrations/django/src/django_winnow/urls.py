"""Where Winnow's webhooks are taken."""

from __future__ import annotations

from django.urls import path

from django_winnow.views import receive

app_name = "django_winnow"
urlpatterns = [path("", receive, name="receive")]
