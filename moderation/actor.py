"""Who did something, as the history of a comment and the audit trail keep it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from moderation.wording import Say, english, said


class ActorKind(StrEnum):
    """Kind of an actor: what proved who it is. A name alone proves nothing."""

    #: A person signed in at the desk, or who opened a link sent to them, whose kind is ``via``; the
    #: name is their account's.
    MODERATOR = "moderator"
    #: A person at the command line; the name is their login's, if it has one.
    OPERATOR = "operator"
    #: An administrator's token, named by ``via``; the name is whom its holder names, if anybody.
    TOKEN = "token"  # noqa: S105 - a kind, not a token
    #: A site's key or door, named by ``via``; the name is whom the blog names, if anybody.
    BLOG = "blog"
    #: A blog's decisions from before Winnow.
    IMPORT = "import"
    #: A model; the name is its version, empty where no model could score. ``via``: a door, if any.
    MACHINE = "machine"
    #: What runs by itself, such as the supervisor and the deliverer; the name is the process's.
    SCHEDULE = "schedule"
    #: Somebody who did not sign in; the name is what they claimed.
    STRANGER = "stranger"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did something: a kind that Winnow knows, a name, and the key or door that was used."""

    kind: ActorKind
    name: str = ""
    via: str = ""


#: The person who runs this installation: the actor of the command line where no login name is known.
OPERATOR = Actor(ActorKind.OPERATOR)
#: Who decided what an import brings in.
IMPORT = Actor(ActorKind.IMPORT)
#: Who holds a comment that killed its workers.
SUPERVISOR = Actor(ActorKind.SCHEDULE, "supervisor")
#: Who disables an endpoint that fails for days.
DELIVERER = Actor(ActorKind.SCHEDULE, "deliverer")


def moderator(name: str) -> Actor:
    """Return the moderator whose account has that *name*."""
    return Actor(ActorKind.MODERATOR, name)


def moderator_by(name: str, link: str) -> Actor:
    """Return the moderator of that *name*, who did not sign in but opened a *link* of that kind."""
    return Actor(ActorKind.MODERATOR, name, link)


def machine(model: str, *, via: str = "") -> Actor:
    """Return the *model* of that version, empty for none; *via* names the door that asked it."""
    return Actor(ActorKind.MACHINE, model, via)


#: What an actor without a name is called.
_UNNAMED = {
    ActorKind.MODERATOR: said("a moderator"),
    ActorKind.OPERATOR: said("the command line"),
    ActorKind.TOKEN: said("a token"),
    ActorKind.BLOG: said("the blog"),
    ActorKind.IMPORT: said("the import"),
    ActorKind.MACHINE: said("the machine"),
    ActorKind.SCHEDULE: said("Winnow"),
    ActorKind.STRANGER: said("a stranger"),
}
#: What an actor with a name is called, where the name alone would not tell what it is.
_NAMED = {
    ActorKind.OPERATOR: said("%(name)s (command line)"),
    ActorKind.MACHINE: said("model %(name)s"),
    ActorKind.SCHEDULE: said("Winnow’s %(name)s"),
}

#: What a moderator did it by who did not sign in.
_LINKS = {
    "invitation": said("by an invitation"),
    "reset": said("by a link for a new password"),
    "address": said("by a link sent to the address"),
    "mail": said("by e-mail link"),
}


def who(actor: Actor, say: Say = english) -> str:
    """Return what people call *actor*, in the language that *say* speaks."""
    if not actor.name:
        called = say(_UNNAMED[actor.kind])
    elif actor.kind in _NAMED:
        called = say(_NAMED[actor.kind], name=actor.name)
    else:
        called = actor.name
    via = actor.via
    if actor.kind is ActorKind.MODERATOR and via in _LINKS:
        via = say(_LINKS[via])
    return f"{called} ({via})" if via else called
