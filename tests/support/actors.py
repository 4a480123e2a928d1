"""Who does something in a test."""

from __future__ import annotations

from moderation.actor import Actor, ActorKind, moderator

ADA, BOB, EVE = moderator("ada"), moderator("bob"), moderator("eve")
BLOG = Actor(ActorKind.BLOG, via="a key")
