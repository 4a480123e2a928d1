"""site, key, moderator, token, endpoint: what programs read stays as it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from moderation import wiring
from moderation.credentials import KeyKind
from moderation.errors import NotFound
from moderation.moderators import Role
from moderation.store.accounts.links import Purpose


def test_a_new_site_comes_with_a_key_that_works(ask, adapters: wiring.Adapters):
    answer = ask("site", "add", "blog", "--url", "https://blog.example")
    assert list(answer) == ["id", "name", "key"]
    assert adapters.accounts.key(answer["key"], now_ms=1).site_id == answer["id"]
    assert adapters.accounts.site("blog").url == "https://blog.example"


def test_sites_are_listed_with_what_waits(ask):
    ask("site", "add", "b")
    ask("site", "add", "a")
    listed = ask("site", "list", many=True)
    assert [(one["name"], one["flagged"], one["pending"]) for one in listed] == [
        ("a", 0, 0),
        ("b", 0, 0),
    ]


def test_a_site_is_shown_by_name_or_by_id(ask):
    made = ask("site", "add", "blog")
    assert ask("site", "show", "blog") == ask("site", "show", made["id"])
    assert ask("site", "show", "blog")["policy"]["mode"] == "hold-doubtful"


def test_settings_are_set_by_name_and_listed_with_what_they_are(
    run, ask, adapters: wiring.Adapters
):
    ask("site", "add", "blog")
    changes = ("policy.hold_links_over=3", "policy.mode=hold-all", "doors=coral")
    assert run("site", "set", "blog", *changes).stdout == "saved\n"
    site = adapters.accounts.site("blog")
    assert (site.policy.hold_links_over, site.policy.mode, site.doors) == (
        3,
        "hold-all",
        ("coral",),
    )
    assert run("site", "set", "blog", *changes).stdout == "nothing was different\n"
    assert "policy.hold_links_over        3" in run("site", "set", "blog").stdout


def test_a_setting_is_listed_as_it_is_typed(run, ask, adapters: wiring.Adapters):
    ask("site", "add", "blog")
    changes = (
        "policy.blocked_words=cheap pills\ncasino*",
        "policy.flag_at=spam=0.7,insult=0.9",
        "doors=akismet,coral",
        "record_doors=yes",
    )
    run("site", "set", "blog", *changes)
    listed = run("site", "set", "blog").stdout
    assert f"policy.blocked_words          cheap pills\n{'':<29} casino*\n" in listed
    assert "policy.flag_at                spam=0.7,insult=0.9\n" in listed
    assert "doors                         akismet,coral\n" in listed
    assert "record_doors                  yes\n" in listed
    assert "policy.hold_links_over\n" in listed
    assert run("site", "set", "blog", *changes).stdout == "nothing was different\n"


def test_a_setting_that_cannot_be_is_named_and_nothing_is_saved(run, ask, adapters):
    ask("site", "add", "blog")
    was = adapters.accounts.site("blog")
    refused = run("site", "set", "blog", "policy.mode=shadow", "policy.hold_links_over=-1", code=1)
    assert "policy.hold_links_over: a whole number of 0 to 1000" in refused.stderr
    assert adapters.accounts.site("blog") == was


def test_a_site_is_removed_once_the_person_says_so(run, ask):
    ask("site", "add", "blog")
    asked = run("site", "remove", "blog", input="n\n", code=1)
    assert asked.stdout == ""
    assert "for good?" in asked.stderr
    assert run("site", "remove", "blog", "--yes").output == ""
    shown = run("site", "show", "blog", code=1).stderr
    assert shown.startswith("Error: there is no site blog; ")


@pytest.mark.parametrize("kind", [kind.value for kind in KeyKind])
def test_a_key_is_made_listed_and_revoked(run, ask, kind: str):
    ask("site", "add", "blog")
    answer = ask("key", "add", "blog", "--kind", kind)
    assert list(answer) == ["id", "key", "kind", "expires_at"]
    assert answer["kind"] == kind
    listed = ask("key", "list", "blog", many=True)
    assert answer["id"] in [one["id"] for one in listed]
    assert answer["key"] not in str(listed)
    run("key", "revoke", answer["id"])
    assert answer["id"] not in [one["id"] for one in ask("key", "list", "blog", many=True)]
    run("key", "revoke", answer["id"], code=1)


def test_a_key_may_be_made_for_some_days_only(run, ask, adapters: wiring.Adapters):
    ask("site", "add", "blog")
    answer = ask("key", "add", "blog", "--days", "2")
    now = adapters.clock.now_ms()
    assert adapters.accounts.key(answer["key"], now_ms=now)
    with pytest.raises(NotFound):
        adapters.accounts.key(answer["key"], now_ms=now + 3 * 86_400_000)
    assert answer["expires_at"] in run("key", "list", "blog").stdout
    run("key", "add", "blog", "--days", "0", code=2)


def test_a_moderators_password_is_made_up_and_works(run, ask, adapters: wiring.Adapters):
    site = ask("site", "add", "blog")
    answer = ask("moderator", "add", "ada", "--site", "blog")
    assert list(answer) == ["name", "password"]
    ada = adapters.accounts.check_password("ada", answer["password"])
    assert (ada.role, ada.sites) == (Role.MODERATOR, (site["id"],))
    again = ask("moderator", "reset", "ada")
    assert adapters.accounts.check_password("ada", again["password"]) == ada
    assert again["password"] != answer["password"]
    assert ada.must_change_password
    (listed,) = ask("moderator", "list", many=True)
    assert (listed["name"], listed["sites"]) == ("ada", ["blog"])
    run("moderator", "remove", "ada", "--yes")
    assert adapters.accounts.moderators() == []


def test_a_link_for_a_new_password_is_made_where_no_e_mail_is_sent(
    run, ask, adapters: wiring.Adapters
):
    password = ask("moderator", "add", "ada")["password"]
    answer = ask("moderator", "reset-link", "ADA")
    assert answer["name"] == "ada"
    assert answer["link"].startswith(f"{adapters.settings.url}/desk/reset/")
    person, _link = adapters.follow_link(Purpose.RESET, answer["link"].rpartition("/")[2])
    assert person == adapters.accounts.check_password("ada", password), "nothing has changed yet"
    assert adapters.accounts.audit(action="moderator.link")[0].subject == "ada"
    run("moderator", "reset-link", "none", code=1)


def test_a_moderators_address_is_set_and_taken_away(run, ask, adapters: wiring.Adapters):
    ask("moderator", "add", "ada")
    run("moderator", "email", "ada", "ada@mail.example")
    assert adapters.accounts.moderator("ada").email == "ada@mail.example"
    run("moderator", "email", "ada", "nonsense", code=1)
    run("moderator", "email", "ada")
    assert adapters.accounts.moderator("ada").email == ""


def test_a_second_factor_is_taken_off(run, ask, adapters: wiring.Adapters):
    ask("moderator", "add", "ada")
    adapters.accounts.change_factors("ada", lambda has: replace(has, secret="A" * 32))
    assert run("moderator", "second-factor-off", "ada", "--yes").stderr == ""
    assert not adapters.accounts.has_factors("ada")
    assert adapters.accounts.audit(action="factor.off")[0].subject == "ada"
    assert "no second factor" in run("moderator", "second-factor-off", "ada", "--yes").stderr


def test_a_moderator_without_a_site_is_warned_of(run):
    """Nothing but the answer is on standard output, so the warning is not."""
    made = run("moderator", "add", "ada", "--json")
    assert "sees no site yet" in made.stderr
    assert made.stdout.count("\n") == 1
    assert run("moderator", "add", "eve", "--role", "admin").stderr == ""


def test_a_token_is_made_listed_and_revoked(run, ask, adapters: wiring.Adapters):
    answer = ask("token", "add", "ci")
    assert list(answer) == ["id", "name", "token"]
    assert adapters.accounts.token(answer["token"]).name == "ci"
    assert [one["id"] for one in ask("token", "list", many=True)] == [answer["id"]]
    run("token", "revoke", answer["id"])
    assert adapters.accounts.tokens() == []


def test_an_endpoint_comes_with_the_secret_that_signs(run, ask, adapters: wiring.Adapters):
    ask("site", "add", "blog")
    answer = ask("endpoint", "add", "blog", "https://blog.example/hook", "--event", "comment.spam")
    assert list(answer) == ["id", "url", "secret"]
    assert answer["secret"].startswith("whsec_")
    (listed,) = ask("endpoint", "list", "blog", many=True)
    assert (listed["id"], listed["events"]) == (answer["id"], ["comment.spam"])
    assert answer["secret"] not in str(listed)
    run("endpoint", "remove", answer["id"], "--yes")
    assert adapters.accounts.endpoints(listed["site_id"]) == []


def test_an_endpoint_inside_the_network_has_to_be_allowed(run, ask):
    """A person who may set a URL must not reach addresses that only this machine can reach."""
    ask("site", "add", "blog")
    refused = run("endpoint", "add", "blog", "http://127.0.0.1:9/hook", code=1)
    assert refused.stdout == ""
    assert refused.stderr.startswith("Error: ")
    assert ask("endpoint", "add", "blog", "http://127.0.0.1:9/hook", "--allow-private")["id"]


@pytest.mark.parametrize(
    "verb",
    [
        ("site", "show", "none"),
        ("key", "add", "none"),
        ("key", "list", "none"),
        ("moderator", "add", "ada", "--site", "none"),
        ("moderator", "reset", "none"),
        ("token", "revoke", "none"),
        ("endpoint", "add", "none", "https://blog.example"),
        ("endpoint", "remove", "none", "--yes"),
        ("queue", "none"),
        ("show", "none"),
        ("decide", "none", "approve"),
        ("undo", "none"),
        ("retry", "none"),
        ("erase", "none", "--yes"),
    ],
)
def test_what_is_not_there_is_one_sentence_and_status_1(run, verb: tuple[str, ...]):
    result = run(*verb, code=1)
    assert result.stdout == ""
    assert result.stderr.startswith("Error: there is no ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("verb", [("site", "add"), ("nonsense",), ("decide", "x", "burn")])
def test_a_wrong_use_is_status_2(run, verb: tuple[str, ...]):
    assert run(*verb, code=2).stderr.startswith("Usage: winnow")


def test_wordpress_s_list_is_added_to_a_site_s(run, ask, adapters: wiring.Adapters):
    ask("site", "add", "blog")
    listed = "casino\nbad.example.com\n"
    tried = run("site", "import-list", "blog", "-", "--dry-run", input=listed)
    assert tried.output == "would add 1 words and 1 domains\n"
    assert adapters.accounts.site("blog").policy.blocked_words == ()
    run("site", "import-list", "blog", "-", "--inside-words", input=listed)
    policy = adapters.accounts.site("blog").policy
    assert (policy.blocked_words, policy.blocked_domains) == (("*casino*",), ("bad.example.com",))
