"""Sites, moderators, keys and tokens on a real server."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import replace

import pytest
import redis
from argon2 import PasswordHasher

from moderation.actor import moderator
from moderation.audit import AuditLine
from moderation.credentials import KeyKind
from moderation.endpoint import Endpoint, Secret
from moderation.errors import Conflict, InvalidInput, NotFound
from moderation.ids import shard_of
from moderation.moderators import Role
from moderation.policy import Mode, Policy
from moderation.site import Retention
from moderation.store.accounts import Accounts
from moderation.store.client import connect
from moderation.vault import Vault
from tests.support.actors import ADA, BOB, EVE

NOW = 1_790_000_000_000
NOBODYS = Endpoint("no", "no", "https://x.example")
VAULT = Vault(b"a secret key that is long enough for anybody")
#: Real parameters take 50 ms a hash, which is their purpose; tests only need the shape.
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def accounts(redis_url: str) -> Accounts:
    return Accounts(connect(redis_url), VAULT, hasher=QUICK)


def stored_bytes(client: redis.Redis) -> bytes:
    """Return everything that the server holds, as one text to search in."""
    return b"".join(client.dump(key) or b"" for key in client.keys("*"))


# -- sites


def test_a_site_is_found_by_id_and_by_name(accounts: Accounts):
    site = accounts.add_site("My Blog", "https://blog.example", now_ms=NOW)
    assert accounts.site(site.id) == accounts.site("my blog") == site
    assert accounts.sites() == [site]


def test_a_name_is_given_once_however_it_is_written(accounts: Accounts):
    accounts.add_site("Blog", now_ms=NOW)
    with pytest.raises(Conflict, match="BLOG"):
        accounts.add_site("BLOG", now_ms=NOW)


def test_of_many_who_want_a_name_at_once_one_gets_it(redis_url: str):
    won: list[str] = []

    def claim() -> None:
        mine = Accounts(connect(redis_url), VAULT)
        with contextlib.suppress(Conflict):
            won.append(mine.add_site("blog", now_ms=NOW).id)

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [site.id for site in Accounts(connect(redis_url), VAULT).sites()] == won
    assert len(won) == 1


@pytest.mark.parametrize(
    "name", ["", " ", "x" * 101, "line\nbreak", "\ud800", "018bcfe5-6800-7005-bc9f-8b569eec2b3a"]
)
def test_a_name_that_cannot_be_shown_or_typed_is_refused(accounts: Accounts, name: str):
    """A name that looks like an id could stand for another site."""
    with pytest.raises(InvalidInput):
        accounts.add_site(name, now_ms=NOW)


@pytest.mark.parametrize("url", ["javascript:alert(1)", "blog.example", "http://", "http://[x"])
def test_a_sites_address_is_a_web_address(accounts: Accounts, url: str):
    with pytest.raises(InvalidInput):
        accounts.add_site("blog", url, now_ms=NOW)


def test_sites_spread_over_the_shards(redis_url: str):
    accounts = Accounts(connect(redis_url), VAULT, shards=3)
    made = [accounts.add_site(f"blog {n}", now_ms=NOW) for n in range(6)]
    assert sorted(shard_of(site.id) for site in made) == [0, 0, 1, 1, 2, 2]


def test_settings_of_a_site_are_replaced_on_the_record(accounts: Accounts):
    site = accounts.add_site("blog", now_ms=NOW)
    changed = replace(site, policy=Policy(mode=Mode.HOLD_ALL))
    accounts.save_site(changed, was=site, by=ADA, now_ms=NOW + 1)
    assert accounts.site("blog").policy.mode is Mode.HOLD_ALL
    assert accounts.audit()[0] == AuditLine(
        NOW + 1,
        ADA,
        "site.save",
        site.id,
        {"changes": {"policy.mode": {"before": "hold-doubtful", "after": "hold-all"}}},
    )


def test_a_renamed_site_gives_its_old_name_back(accounts: Accounts):
    site = accounts.add_site("old", now_ms=NOW)
    other = accounts.add_site("taken", now_ms=NOW)
    renamed = replace(site, name="new")
    accounts.save_site(renamed, was=site, by=ADA, now_ms=NOW)
    assert accounts.site("new").id == site.id
    with pytest.raises(NotFound):
        accounts.site("old")
    with pytest.raises(Conflict):
        accounts.save_site(replace(site, name="Taken"), was=renamed, by=ADA, now_ms=NOW)
    assert accounts.site("taken") == other


def test_a_removed_site_leaves_nobody_who_may_speak_for_it(accounts: Accounts):
    """Its comments are still there: it is listed as removed, and the worker purges them."""
    site = accounts.add_site("blog", now_ms=NOW)
    key, text = accounts.add_key(site.id, KeyKind.API, now_ms=NOW)
    endpoint = accounts.add_endpoint(
        Endpoint("", site.id, "https://blog.example/hook"), by=ADA, now_ms=NOW
    )
    accounts.remove_site(site.id, by=ADA, now_ms=NOW)
    assert accounts.sites() == []
    for missing in (
        lambda: accounts.site("blog"),
        lambda: accounts.key(text, now_ms=NOW),
        lambda: accounts.revoke_key(key.id, by=ADA, now_ms=NOW),
        lambda: accounts.endpoint(endpoint.id),
        lambda: accounts.add_key(site.id, KeyKind.API, now_ms=NOW),
    ):
        with pytest.raises(NotFound):
            missing()
    assert accounts.removed_sites() == [site.id]
    accounts.purged_site(site.id)
    assert accounts.removed_sites() == []


def test_a_change_built_on_what_is_no_more_is_refused(accounts: Accounts):
    """Of two administrators who save at once the second gets an error, and overwrites nothing."""
    site = accounts.add_site("blog", now_ms=NOW)
    accounts.save_site(replace(site, url="https://a.example"), was=site, by=ADA, now_ms=NOW)
    with pytest.raises(Conflict, match="meanwhile"):
        accounts.save_site(replace(site, record_doors=True), was=site, by=EVE, now_ms=NOW)
    assert accounts.site("blog") == replace(site, url="https://a.example")


def test_a_moderators_and_an_endpoints_changes_are_built_on_what_is_there(
    accounts: Accounts,
):
    site = accounts.add_site("blog", now_ms=NOW)
    bob = accounts.add_moderator("bob", "one", role=Role.MODERATOR, sites=(), now_ms=NOW)
    seeing = replace(bob, sites=(site.id,))
    accounts.save_moderator(seeing, was=bob, by=ADA, now_ms=NOW)
    with pytest.raises(Conflict, match="meanwhile"):
        accounts.save_moderator(replace(bob, disabled=True), was=bob, by=EVE, now_ms=NOW)
    assert accounts.moderator("bob") == seeing
    hook = accounts.add_endpoint(
        Endpoint("", site.id, "https://a.example", allow_private=True), by=ADA, now_ms=NOW
    )
    public = replace(hook, allow_private=False)
    accounts.save_endpoint(public, was=hook, by=ADA, now_ms=NOW)
    with pytest.raises(Conflict, match="meanwhile"):
        accounts.save_endpoint(replace(hook, enabled=False), was=hook, by=EVE, now_ms=NOW)
    assert accounts.endpoint(hook.id) == public


@pytest.mark.parametrize(
    "change, field",
    [
        ({"policy": Policy(flag_at={"spam": 1.5})}, "policy.flag_at.spam"),
        ({"policy": Policy(reject_at={"rudeness": 0.5})}, "policy.reject_at.rudeness"),
        ({"policy": Policy(blocked_words=("fine", "/(/"))}, "policy.blocked_words"),
        ({"policy": Policy(blocked_words=("x",) * 5001)}, "policy.blocked_words"),
        ({"policy": Policy(blocked_domains=("http://x/",))}, "policy.blocked_domains"),
        ({"retention": Retention({"spam": -1})}, "retention.text_days.spam"),
        ({"retention": Retention(verdict_days=36_501)}, "retention.verdict_days"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_name(accounts: Accounts, change, field: str):
    site = accounts.add_site("blog", now_ms=NOW)
    with pytest.raises(InvalidInput) as refused:
        accounts.save_site(replace(site, **change), was=site, by=ADA, now_ms=NOW)
    assert refused.value.field == field


# -- keys and tokens


@pytest.mark.parametrize("kind", KeyKind)
def test_a_key_opens_its_site_until_it_is_revoked(accounts: Accounts, kind: KeyKind):
    site = accounts.add_site("blog", now_ms=NOW)
    key, text = accounts.add_key("blog", kind, now_ms=NOW)
    assert accounts.key(text, now_ms=NOW) == key
    assert key.site_id == site.id
    assert accounts.keys(site.id) == [key]
    accounts.revoke_key(key.id, by=ADA, now_ms=NOW)
    assert accounts.keys(site.id) == []
    with pytest.raises(NotFound):
        accounts.key(text, now_ms=NOW)
    with pytest.raises(NotFound):
        accounts.revoke_key(key.id, by=ADA, now_ms=NOW)


@pytest.mark.parametrize("kind", KeyKind)
def test_a_key_opens_nothing_from_the_moment_it_expires(accounts: Accounts, kind: KeyKind):
    site = accounts.add_site("blog", now_ms=NOW)
    key, text = accounts.add_key(site.id, kind, expires_at=NOW + 10, by=ADA, now_ms=NOW)
    assert accounts.key(text, now_ms=NOW + 9) == key
    with pytest.raises(NotFound):
        accounts.key(text, now_ms=NOW + 10)
    assert accounts.door_key_text(site.id, now_ms=NOW + 10) is None
    assert accounts.keys(site.id) == [key]
    line = accounts.audit()[0]
    assert (line.by, line.detail["expires_at"]) == (ADA, NOW + 10)
    for past in (NOW, 0, NOW + 40_000 * 86_400_000):
        with pytest.raises(InvalidInput):
            accounts.add_key(site.id, kind, expires_at=past, now_ms=NOW)


@pytest.mark.parametrize("text", ["", "wk_wrong", "x" * 100_000, "\ud800", "\0"])
def test_what_is_no_key_opens_nothing(accounts: Accounts, text: str):
    with pytest.raises(NotFound):
        accounts.key(text, now_ms=NOW)
    with pytest.raises(NotFound):
        accounts.token(text)


def test_whoever_reads_the_database_learns_no_key(accounts: Accounts, redis_client: redis.Redis):
    """A stolen backup without its secret.key must not open the API or forge a webhook."""
    site = accounts.add_site("blog", now_ms=NOW)
    texts = [accounts.add_key(site.id, kind, now_ms=NOW)[1] for kind in KeyKind]
    texts += [accounts.add_token("ci", now_ms=NOW)[1]]
    endpoint = Endpoint("", site.id, "https://blog.example", headers={"X-Pass": "sesame-9"})
    texts += [accounts.add_endpoint(endpoint, by=ADA, now_ms=NOW).secrets[0].value, "sesame-9"]
    accounts.add_moderator("ada", "correct horse", role=Role.ADMIN, sites=(), now_ms=NOW)
    everything = stored_bytes(redis_client)
    for text in [*texts, "correct horse"]:
        assert text.encode() not in everything


def test_a_door_key_is_twelve_hex_digits_and_can_be_told_to_wordpress(accounts: Accounts):
    site = accounts.add_site("blog", now_ms=NOW)
    assert accounts.door_key_text(site.id, now_ms=NOW) is None
    accounts.add_key(site.id, KeyKind.DOOR, now_ms=NOW)
    _, newest = accounts.add_key(site.id, KeyKind.DOOR, now_ms=NOW + 1)
    assert len(newest) == 12
    assert set(newest) <= set("0123456789abcdef")
    assert accounts.door_key_text(site.id, now_ms=NOW) == newest


def test_a_token_is_listed_and_revoked(accounts: Accounts):
    token, text = accounts.add_token("ci", now_ms=NOW)
    assert accounts.token(text) == token
    assert accounts.tokens() == [token]
    accounts.revoke_token(token.id, by=ADA, now_ms=NOW)
    with pytest.raises(NotFound):
        accounts.token(text)
    with pytest.raises(NotFound):
        accounts.revoke_token(token.id, by=ADA, now_ms=NOW)


def test_data_made_with_another_secret_is_told_apart(accounts: Accounts, redis_url: str):
    """Otherwise every key would be refused and nobody would know why."""
    accounts.check_secret()
    accounts.check_secret()
    with pytest.raises(Conflict, match=r"secret\.key"):
        Accounts(connect(redis_url), Vault(b"x" * 32)).check_secret()


# -- moderators


def test_a_moderator_signs_in_with_name_and_password(accounts: Accounts):
    site = accounts.add_site("blog", now_ms=NOW)
    ada = accounts.add_moderator(
        "Ada", "correct horse", role=Role.MODERATOR, sites=["blog"], now_ms=NOW
    )
    assert ada.sites == (site.id,)
    assert accounts.check_password("ada", "correct horse") == ada
    assert accounts.moderators() == [accounts.moderator("ADA")] == [ada]
    for name, password in [("ada", "wrong"), ("eve", "correct horse"), ("", ""), ("\ud800", "x")]:
        with pytest.raises(NotFound):
            accounts.check_password(name, password)


def test_a_moderators_name_is_given_once(accounts: Accounts):
    accounts.add_moderator("ada", "one", role=Role.ADMIN, sites=(), now_ms=NOW)
    with pytest.raises(Conflict):
        accounts.add_moderator("Ada", "two", role=Role.ADMIN, sites=(), now_ms=NOW)
    assert accounts.check_password("ada", "one")


def test_a_moderator_of_a_site_that_is_not_there_is_refused(accounts: Accounts):
    with pytest.raises(NotFound):
        accounts.add_moderator("ada", "x", role=Role.MODERATOR, sites=["none"], now_ms=NOW)


def test_a_new_password_and_a_removal_end_sessions(accounts: Accounts):
    """Neither may the sessions of a removed moderator live on under someone new of that name."""
    seen = [accounts.session_epoch("ada")]
    accounts.add_moderator("ada", "one", role=Role.ADMIN, sites=(), now_ms=NOW)
    seen.append(accounts.session_epoch("ada"))
    accounts.set_password("ada", "two", by=EVE, now_ms=NOW)
    seen.append(accounts.session_epoch("ada"))
    with pytest.raises(NotFound):
        accounts.check_password("ada", "one")
    accounts.remove_moderator("ada", by=EVE, now_ms=NOW)
    seen.append(accounts.session_epoch("ada"))
    with pytest.raises(NotFound):
        accounts.check_password("ada", "two")
    accounts.add_moderator("ada", "three", role=Role.ADMIN, sites=(), now_ms=NOW)
    seen.append(accounts.session_epoch("ada"))
    assert len(set(seen)) == len(seen)


def test_a_role_changes_and_the_password_stays(accounts: Accounts):
    site = accounts.add_site("blog", now_ms=NOW)
    accounts.add_moderator("eve", "two", role=Role.ADMIN, sites=(), now_ms=NOW)
    ada = accounts.add_moderator("ada", "one", role=Role.ADMIN, sites=(), now_ms=NOW)
    accounts.save_moderator(
        replace(ada, role=Role.MODERATOR, sites=(site.id,)), was=ada, by=EVE, now_ms=NOW
    )
    changed = accounts.check_password("ada", "one")
    assert (changed.role, changed.sites) == (Role.MODERATOR, (site.id,))


def test_the_last_administrator_stays_one(accounts: Accounts):
    """Two who step down at once must not leave nobody, either; the script sees to that."""
    ada = accounts.add_moderator("ada", "one", role=Role.ADMIN, sites=(), now_ms=NOW)
    eve = accounts.add_moderator("eve", "two", role=Role.ADMIN, sites=(), now_ms=NOW)
    accounts.save_moderator(replace(ada, disabled=True), was=ada, by=EVE, now_ms=NOW)
    for less in (replace(eve, disabled=True), replace(eve, role=Role.MODERATOR)):
        with pytest.raises(Conflict, match="last administrator"):
            accounts.save_moderator(less, was=eve, by=EVE, now_ms=NOW)
    assert accounts.check_password("eve", "two") == eve


def test_a_disabled_moderator_is_signed_out_and_kept_out(accounts: Accounts):
    bob = accounts.add_moderator("bob", "one", role=Role.MODERATOR, sites=(), now_ms=NOW)
    before = accounts.session_epoch("bob")
    disabled = replace(bob, disabled=True)
    accounts.save_moderator(disabled, was=bob, by=ADA, now_ms=NOW)
    assert accounts.session_epoch("bob") != before
    with pytest.raises(NotFound):
        accounts.check_password("bob", "one")
    accounts.save_moderator(bob, was=disabled, by=ADA, now_ms=NOW)
    assert accounts.check_password("bob", "one") == bob


def test_a_password_that_somebody_else_made_up_has_to_be_changed(accounts: Accounts):
    bob = accounts.add_moderator(
        "bob", "one", role=Role.MODERATOR, sites=(), must_change=True, now_ms=NOW
    )
    assert bob.must_change_password
    accounts.set_password("bob", "my own", by=BOB, now_ms=NOW)
    assert not accounts.moderator("bob").must_change_password
    accounts.set_password("bob", "two", by=ADA, must_change=True, now_ms=NOW)
    assert accounts.moderator("bob").must_change_password


@pytest.mark.parametrize("password", ["", "x" * 1001])
def test_an_empty_or_endless_password_is_refused(accounts: Accounts, password: str):
    with pytest.raises(InvalidInput):
        accounts.add_moderator("ada", password, role=Role.ADMIN, sites=(), now_ms=NOW)


@pytest.mark.parametrize(
    "verb",
    [
        lambda accounts: accounts.set_password("no", "x", by=EVE, now_ms=NOW),
        lambda accounts: accounts.remove_moderator("no", by=EVE, now_ms=NOW),
        lambda accounts: accounts.moderator("no"),
        lambda accounts: accounts.endpoint("no"),
        lambda accounts: accounts.remove_endpoint("no", by=EVE, now_ms=NOW),
        lambda accounts: accounts.save_endpoint(NOBODYS, was=NOBODYS, by=EVE, now_ms=NOW),
        lambda accounts: accounts.remove_site("no", by=EVE, now_ms=NOW),
    ],
)
def test_what_is_not_there_is_not_found(accounts: Accounts, verb):
    with pytest.raises(NotFound):
        verb(accounts)


# -- endpoints and the trail


def test_an_endpoint_comes_back_as_it_was_kept(accounts: Accounts):
    site = accounts.add_site("blog", now_ms=NOW)
    endpoint = Endpoint("", site.id, "https://blog.example/hook", headers={"X-Blog": "1"})
    kept = accounts.add_endpoint(endpoint, by=ADA, now_ms=NOW)
    assert kept.secrets[0].value.startswith("whsec_")
    assert accounts.endpoint(kept.id) == kept
    assert accounts.endpoints(site.id) == [kept]
    changed = replace(kept, enabled=False, secrets=(*kept.secrets, Secret("whsec_2", NOW + 5)))
    accounts.save_endpoint(changed, was=kept, by=ADA, now_ms=NOW)
    assert accounts.endpoints(site.id) == [changed]
    accounts.remove_endpoint(kept.id, by=ADA, now_ms=NOW)
    assert accounts.endpoints(site.id) == []


def test_the_trail_tells_the_newest_first_and_holds_no_secret(accounts: Accounts):
    site = accounts.add_site("blog", now_ms=NOW)
    _, text = accounts.add_key(site.id, KeyKind.API, now_ms=NOW)
    accounts.note(AuditLine(NOW, ADA, "model.promote", "v2", {"from": "v1"}))
    trail = accounts.audit()
    assert [line.action for line in trail] == ["model.promote", "key.add", "site.add"]
    assert accounts.audit(limit=1) == trail[:1]
    assert text not in str(trail)


def test_the_trail_is_read_on_from_a_line_and_by_what_one_looks_for(accounts: Accounts):
    site = accounts.add_site("blog", now_ms=NOW)
    other = accounts.add_site("other", now_ms=NOW)
    for n in range(700):
        accounts.note(AuditLine(NOW + n, EVE, "sign-in", "desk"))
    accounts.add_key(site.id, KeyKind.API, by=moderator("Ada"), now_ms=NOW)
    accounts.add_key(other.id, KeyKind.API, now_ms=NOW)
    assert [line.action for line in accounts.audit(about=site.id)] == ["key.add", "site.add"]
    assert [line.detail["site"] for line in accounts.audit(by="ada")] == [site.id]
    assert len(accounts.audit(action="key")) == 2
    first = accounts.audit(limit=5)
    older = accounts.audit(limit=1000, before=first[-1].id)
    assert len(first) + len(older) == 704
    assert accounts.audit(before="nonsense", limit=5) == first
    assert accounts.audit_line(first[0].id) == first[0]
    for nothing in ("", "nonsense", "0-1"):
        with pytest.raises(NotFound):
            accounts.audit_line(nothing)


def test_no_secret_of_an_endpoint_is_on_the_trail(accounts: Accounts):
    site = accounts.add_site("blog", now_ms=NOW)
    endpoint = Endpoint("", site.id, "https://blog.example/hook", headers={"X-Pass": "sesame-9"})
    kept = accounts.add_endpoint(endpoint, by=ADA, now_ms=NOW)
    changed = replace(
        kept,
        url="https://blog.example/2",
        headers={"X-Pass": "swordfish-9"},
        secrets=(*kept.secrets, Secret("whsec_2")),
    )
    accounts.save_endpoint(changed, was=kept, by=ADA, now_ms=NOW)
    line = accounts.audit()[0]
    assert line.changes == {
        "headers": {"hidden": True},
        "secrets": {"hidden": True},
        "url": {"before": "https://blog.example/hook", "after": "https://blog.example/2"},
    }
    assert not line.revertible
    for word in ("sesame", "swordfish", "whsec_"):
        assert word not in str(accounts.audit())
