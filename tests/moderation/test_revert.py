"""Taking back a change of settings: all of it, by a new change, and never a secret."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from moderation.audit import AuditLine
from moderation.credentials import KeyKind
from moderation.endpoint import Endpoint
from moderation.errors import Conflict, NotFound
from moderation.moderators import Role
from moderation.policy import Mode, Policy
from moderation.site import Door, Retention
from tests.support.actors import ADA, BOB, EVE
from tests.support.world import World


def revert_newest(world: World) -> AuditLine:
    accounts = world.adapters.accounts
    return world.adapters.revert(accounts.audit(limit=1)[0].id, by=EVE)


@pytest.mark.parametrize(
    "change",
    [
        lambda site: replace(site, policy=Policy(mode=Mode.SHADOW, flag_at={"spam": 0.2})),
        lambda site: replace(site, policy=replace(site.policy, blocked_words=("a", "b"))),
        lambda site: replace(site, policy=replace(site.policy, hold_links_over=3)),
        lambda site: replace(site, retention=Retention({"approved": 1}, verdict_days=2)),
        lambda site: replace(site, doors=(Door.CORAL,), record_doors=True, name="renamed"),
    ],
)
def test_a_sites_settings_go_back_to_what_they_were(world: World, change: Callable):
    accounts = world.adapters.accounts
    accounts.save_site(change(world.site), was=world.site, by=ADA, now_ms=1)
    line = revert_newest(world)
    back = accounts.site(world.site.id)
    assert replace(back, doors=tuple(sorted(back.doors))) == replace(
        world.site, doors=tuple(sorted(world.site.doors))
    )
    assert accounts.audit(limit=1)[0].by == EVE
    assert accounts.audit(limit=1)[0].detail["reverts"] == line.id


def test_a_revert_can_be_reverted(world: World):
    accounts = world.adapters.accounts
    accounts.save_site(
        replace(world.site, url="https://new.example"), was=world.site, by=ADA, now_ms=1
    )
    revert_newest(world)
    revert_newest(world)
    assert accounts.site(world.site.id).url == "https://new.example"


def test_what_has_changed_since_is_not_reverted_in_part(world: World):
    accounts = world.adapters.accounts
    changed = replace(world.site, url="https://a.example", record_doors=True)
    accounts.save_site(changed, was=world.site, by=ADA, now_ms=1)
    line = accounts.audit(limit=1)[0]
    again = replace(changed, url="https://b.example")
    accounts.save_site(again, was=changed, by=BOB, now_ms=2)
    with pytest.raises(Conflict, match="url has changed again since"):
        world.adapters.revert(line.id, by=EVE)
    assert accounts.site(world.site.id) == again


def test_a_moderators_role_and_sites_go_back(world: World):
    accounts = world.adapters.accounts
    accounts.add_moderator("ada", "one", role=Role.ADMIN, sites=(), now_ms=1)
    bob = accounts.add_moderator("bob", "two", role=Role.MODERATOR, sites=("demo",), now_ms=1)
    changed = replace(bob, role=Role.ADMIN, sites=(), disabled=True)
    accounts.save_moderator(changed, was=bob, by=ADA, now_ms=1)
    revert_newest(world)
    assert accounts.check_password("bob", "two") == bob


def test_an_endpoints_settings_go_back_and_its_secrets_stay(world: World):
    accounts = world.adapters.accounts
    endpoint = accounts.add_endpoint(
        Endpoint("", world.site.id, "https://a.example", headers={"X": "1"}), by=ADA, now_ms=1
    )
    changed = replace(endpoint, url="https://b.example", events=("comment.spam",), enabled=False)
    accounts.save_endpoint(changed, was=endpoint, by=ADA, now_ms=1)
    revert_newest(world)
    assert accounts.endpoint(endpoint.id) == endpoint
    world.adapters.rotate_secret(endpoint.id, by=ADA)
    with pytest.raises(Conflict):
        revert_newest(world)


@pytest.mark.parametrize(
    "act",
    [
        lambda accounts, site: accounts.add_key(site.id, KeyKind.API, now_ms=1),
        lambda accounts, site: accounts.set_door_secret(
            site.id, Door.AKISMET, "sesame", by=ADA, now_ms=1
        ),
        lambda accounts, site: accounts.note(AuditLine(1, ADA, "sign-in", "desk")),
        lambda accounts, site: accounts.save_site(site, was=site, by=ADA, now_ms=1),
    ],
)
def test_what_is_no_change_of_settings_cannot_be_reverted(world: World, act: Callable):
    act(world.adapters.accounts, world.site)
    with pytest.raises(Conflict):
        revert_newest(world)


def test_a_change_of_what_is_gone_cannot_be_reverted(world: World):
    accounts = world.adapters.accounts
    accounts.save_site(
        replace(world.site, url="https://a.example"), was=world.site, by=ADA, now_ms=1
    )
    line = accounts.audit(limit=1)[0]
    accounts.remove_site(world.site.id, by=ADA, now_ms=1)
    for gone in (line.id, "1-1"):
        with pytest.raises(NotFound):
            world.adapters.revert(gone, by=EVE)
