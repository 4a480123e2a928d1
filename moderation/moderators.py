"""Moderators: who may sign in at the desk, and what they may do there."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    """What a moderator may do: decide on their sites, or administer all of them."""

    MODERATOR = "moderator"
    ADMIN = "admin"


#: In a moderator's sites: every site, also those to come.
ALL_SITES = "*"


@dataclass(frozen=True, slots=True)
class Moderator:
    """A person who may sign in at the desk; an admin sees every site."""

    name: str
    role: Role
    sites: tuple[str, ...] = ()
    created_at: int = 0
    #: Whether they are kept from signing in; what they decided stays.
    disabled: bool = False
    #: Whether their password was made up by somebody else, so that they must choose their own.
    must_change_password: bool = False
    #: Where a link for a new password is sent; theirs, since they opened a link sent there, or an
    #: administrator says so.
    email: str = ""
    #: The language of their browser when they signed in last, for e-mails; "" before they did. No form
    #: is refused since it changed.
    language: str = field(default="", compare=False)

    def sees(self, site_id: str) -> bool:
        """Tell whether this moderator may see and decide the comments of a site."""
        return self.role is Role.ADMIN or ALL_SITES in self.sites or site_id in self.sites
