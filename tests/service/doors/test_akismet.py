"""Akismet's clients, byte for byte."""

from __future__ import annotations

import codecs
import uuid
from dataclasses import replace

import pytest

from moderation.comment import Decision
from moderation.credentials import KeyKind
from service.doors import akismet, base
from service.doors import akismet_stats as stats
from tests.support.actors import ADA
from tests.support.world import World

BLOG = {"blog": "https://blog.example"}
THANKS = b"Thanks for making the web a better place."
PLUGIN = {"User-Agent": "WordPress/6.8.1 | Akismet/5.5"}
#: Debian 12's.
OLD_PLUGIN = {"User-Agent": "WordPress/6.1.9 | Akismet/5.0.2"}


@pytest.fixture
def door(world: World) -> str:
    _, key = world.adapters.accounts.add_key(world.site.id, KeyKind.DOOR, now_ms=1)
    return key


def check(world: World, key: str, content: str, *, headers=None, **more: str):
    form = {"api_key": key, "blog": "https://blog.example", "user_ip": "203.0.113.9"}
    form |= {"comment_content": content, **more}
    return world.client().post("/1.1/comment-check", data=form, headers=headers)


def test_a_door_key_is_twelve_hex_digits_and_is_verified(world: World, door: str):
    assert len(door) == 12
    ask = world.client().post
    assert ask("/1.1/verify-key", data={"key": door, "api_key": "old", **BLOG}).data == b"valid"
    assert ask("/1.1/verify-key", data={"api_key": door, **BLOG}).data == b"valid"
    wrong = ask("/1.1/verify-key", data={"key": "0123456789ab", **BLOG})
    assert wrong.data == b"invalid"
    assert wrong.headers["X-akismet-debug-help"]
    without = ask("/1.1/verify-key", data={"key": door})
    assert without.data == b"invalid"
    assert "blog" in without.headers["X-akismet-debug-help"]
    assert ask("/1.1/verify-key", data={"key": world.key}).data == b"invalid"


def test_an_administrator_is_ham_also_right_after_a_stranger_said_the_same(world: World, door: str):
    assert check(world, door, "spam=0.95").data == b"true"
    assert check(world, door, "spam=0.95", user_role="administrator").data == b"false"
    assert check(world, door, "spam=0.95").data == b"true"


@pytest.mark.parametrize(
    "content, body",
    [
        ("hello", b"false"),
        ("spam=0.95", b"true"),
        ("toxicity=0.95", b"true"),
        ("spam=0.6", b"true"),
    ],
)
def test_a_check_is_answered_in_one_word_with_a_guid(world: World, door: str, content, body):
    answer = check(world, door, content)
    assert (answer.status_code, answer.data) == (200, body)
    assert answer.content_type == "text/plain; charset=utf-8"
    assert len(answer.headers["X-akismet-guid"]) == 32
    assert "X-akismet-pro-tip" not in answer.headers


def test_only_blatant_spam_may_be_discarded(world: World, door: str):
    assert check(world, door, "spam=0.995").headers["X-akismet-pro-tip"] == "discard"


def test_wordpress_holds_what_a_person_should_see_and_others_keep_it_as_spam(
    world: World, door: str
):
    answer = check(world, door, "spam=0.6", headers=PLUGIN)
    assert answer.data == b"false"
    assert "X-akismet-error" in answer.headers
    assert world.adapters.comments.counts()["flagged"] == 1


@pytest.mark.parametrize("version", ["5.0.2", "5.4", "4.10.1", "5.5", "5.10", "6.0b1"])
def test_no_version_of_the_plugin_publishes_a_held_comment_by_itself(
    world: World, door: str, version: str
):
    """Before 5.5 `false` alone publishes; from 5.5 on a recheck-after publishes after twice its time."""
    agent = {"User-Agent": f"WordPress/6.1.9 | Akismet/{version}"}
    answer = check(world, door, "spam=0.6", headers=agent)
    assert answer.data == b"false"
    assert "X-akismet-error" in answer.headers
    assert "X-akismet-recheck-after" not in answer.headers
    assert "X-akismet-error" not in check(world, door, "fine", headers=agent).headers


def test_what_wordpress_tries_again_is_not_published_because_it_is_doubtful(
    world: World, door: str
):
    """On a retry its plugin publishes a comment for the answer `false`, even if it was held."""
    answer = check(world, door, "spam=0.6", headers=PLUGIN, recheck_reason="retry")
    assert answer.data == b"true"
    assert "X-akismet-pro-tip" not in answer.headers
    assert check(world, door, "fine", headers=PLUGIN, recheck_reason="retry").data == b"false"


def test_checking_a_comment_again_answers_what_became_of_it(world: World, door: str):
    """Not a second comment in the queue, however late it is."""
    adapters = world.adapters
    first = check(world, door, "spam=0.6", headers=PLUGIN).headers["X-akismet-guid"]
    again = check(
        world, door, "spam=0.6", headers=PLUGIN, recheck_reason="recheck_queue", user_agent="other"
    )
    assert (again.data, again.headers["X-akismet-guid"]) == (b"false", first)
    (flagged,) = adapters.comments.queue(world.site.id).items
    adapters.review(flagged.id, Decision.SPAM, by=ADA, hold_seconds=0)  # fmt: skip
    later = check(world, door, "spam=0.6", headers=PLUGIN, recheck_reason="recheck")
    assert (later.data, later.headers["X-akismet-guid"]) == (b"true", first)


def test_wordpress_reports_unescaped_what_it_checked_escaped(world: World, door: str):
    r"""It checks `It\'s` and reports `It's`; both are one comment, kept as it was written."""
    written = r"""It's "hers", not D'Arcy's \o/ spam=0.6"""
    escaped = written.replace("\\", "\\\\").replace("'", r"\'").replace('"', r"\"")
    check(world, door, escaped, comment_author=r"O\'Brien", headers=OLD_PLUGIN)
    (kept,) = world.adapters.comments.recent(world.site.id).items
    assert (kept.content, kept.draft.author.name) == (written, "O'Brien")
    form = {"api_key": door, "blog": "https://blog.example", "comment_content": written}
    form |= {"comment_author": "O'Brien"}
    assert world.client().post("/1.1/submit-ham", data=form, headers=OLD_PLUGIN).data == THANKS
    (decided,) = world.adapters.comments.decisions(world.site.id)
    assert (decided.comment_id, decided.decision) == (kept.id, Decision.APPROVE)


def test_a_backslash_of_another_client_is_its_own(world: World, door: str):
    check(world, door, r"C:\\temp is \'quoted\'")
    (kept,) = world.adapters.comments.recent(world.site.id).items
    assert kept.content == r"C:\\temp is \'quoted\'"


@pytest.mark.parametrize(
    "agent",
    [
        "app/1.0 | Ruby Akismet/3.0.0",
        "Node.js/v20 | Akismet-api/6.0.0",
        "Drupal/10 | Akismet/6.0",
        "akismet.py/25.10.1",
    ],
)
def test_a_client_that_cannot_wait_is_never_told_false_of_what_a_person_should_see(
    world: World, door: str, agent: str
):
    """Ruby's gem names itself Akismet, too, and publishes at that word."""
    assert check(world, door, "spam=0.6", headers={"User-Agent": agent}).data == b"true"


def test_the_key_may_stand_in_the_host_name(world: World, door: str):
    form = {"blog": "https://blog.example", "user_ip": "", "comment_content": "hello"}
    answer = world.client().post(
        "/1.1/comment-check", data=form, headers={"Host": f"{door}.rest.akismet.com"}
    )
    assert answer.data == b"false"


@pytest.mark.parametrize("missing", ["blog", "user_ip", "api_key"])
def test_what_is_missing_is_named_and_the_status_is_200(world: World, door: str, missing: str):
    form = {"api_key": door, "blog": "b", "user_ip": "1.2.3.4", "comment_content": "x"}
    del form[missing]
    answer = world.client().post("/1.1/comment-check", data=form)
    assert (answer.status_code, answer.data) == (200, b"invalid")
    assert (missing if missing != "api_key" else "key") in answer.headers["X-akismet-debug-help"]


def test_the_same_check_again_is_the_same_comment(world: World, door: str):
    first, second = check(world, door, "hello"), check(world, door, "hello")
    assert first.headers["X-akismet-guid"] == second.headers["X-akismet-guid"]
    assert sum(world.adapters.comments.counts().values()) == 1


def test_the_values_for_tests_are_answered_as_documented_and_never_kept(world: World, door: str):
    assert check(world, door, "x", comment_author="viagra-test-123").data == b"true"
    spam = {"comment_author_email": "akismet-guaranteed-spam@example.com", "test_discard": "1"}
    assert check(world, door, "x", **spam).headers["X-akismet-pro-tip"] == "discard"
    assert check(world, door, "spam=1.0", user_role="administrator", is_test="1").data == b"false"
    assert check(world, door, "hello", is_test="True").data == b"false"
    assert sum(world.adapters.comments.counts().values()) == 0
    check(world, door, "hello", is_test="False")
    assert sum(world.adapters.comments.counts().values()) == 1


@pytest.mark.parametrize(
    "path, decision", [("/1.1/submit-spam", Decision.SPAM), ("/1.1/submit-ham", Decision.APPROVE)]
)
@pytest.mark.parametrize("by_guid", [True, False])
def test_feedback_becomes_a_decision_on_the_comment_that_was_checked(
    world: World, door: str, path: str, decision: Decision, by_guid: bool
):
    content = "hello" if decision is Decision.SPAM else "spam=0.6"
    guid = check(world, door, content).headers["X-akismet-guid"]
    form = {"api_key": door, "blog": "https://blog.example", "reporter": "ada"}
    form |= {"guid": guid} if by_guid else {"comment_content": content, "user_ip": "203.0.113.9"}
    assert world.client().post(path, data=form).data == THANKS
    (kept,) = world.adapters.comments.decisions(world.site.id)
    assert (kept.decision, kept.comment_id.replace("-", "")) == (decision, guid)
    (learned,) = world.adapters.comments.feedback(world.site.id)
    assert (learned.decision, learned.person) == (decision, "blog:akismet")


def test_feedback_on_another_sites_comment_touches_nothing(world: World, door: str):
    other = world.adapters.accounts.add_site("other", now_ms=1)
    comment = world.comment("hello", site=other)
    form = {"api_key": door, "blog": "b", "guid": comment.id.replace("-", "")}
    assert world.client().post("/1.1/submit-spam", data=form).data == THANKS
    assert world.adapters.comments.get(comment.id).status == "approved"


FORM = "application/x-www-form-urlencoded"


def raw(world: World, key: str, rest: bytes, content_type: str = FORM) -> str:
    """Check a form of raw bytes and return the text that was kept of it."""
    body = f"api_key={key}&blog=b&user_ip=&flag&".encode() + rest
    answer = world.client().post("/1.1/comment-check", data=body, content_type=content_type)
    assert answer.data == b"false"
    (kept,) = world.adapters.comments.recent(world.site.id).items
    return kept.content


@pytest.mark.parametrize(
    "charset, content",
    [
        (b"windows-1251", b"%CF%F0%E8%E2%E5%F2"),
        (b"koi8-r", b"%F0%D2%C9%D7%C5%D4"),
        (b"UTF-8", b"%D0%9F%D1%80%D0%B8%D0%B2%D0%B5%D1%82"),
        (b"windows-1251", b"\xcf\xf0\xe8\xe2\xe5\xf2"),
        (b"UTF-8", "Привет".encode()),
    ],
)
def test_a_text_is_read_by_the_charset_that_the_blog_names(
    world: World, door: str, charset: bytes, content: bytes
):
    """Escaped or not."""
    assert raw(world, door, b"blog_charset=" + charset + b"&comment_content=" + content) == "Привет"


@pytest.mark.parametrize("charset", ["windows-1251", "UTF-8"])
def test_a_text_is_read_by_the_charset_of_the_header(world: World, door: str, charset: str):
    content = b"comment_content=" + "Привет".encode(charset)
    assert raw(world, door, content, f"{FORM}; charset={charset}") == "Привет"


@pytest.mark.parametrize(
    "charset",
    ["nonsense", "base64", "idna", "utf-16", "cp037", "undefined", "%00", "shift_jis", "", "%FF"],
)
def test_a_charset_that_no_form_is_written_in_is_taken_for_utf_8(
    world: World, door: str, charset: str
):
    rest = f"blog_charset={charset}&comment_content=Hello%2C+you%21".encode()
    assert raw(world, door, rest) == "Hello, you!"


@pytest.mark.parametrize(
    "charset",
    ["raw_unicode_escape", "unicode_escape", "utf-7", "utf-16-le", "punycode", "undefined"],
)
def test_a_codec_of_pythons_own_lets_no_lone_surrogate_in(world: World, door: str, charset: str):
    kept = raw(world, door, f"blog_charset={charset}&comment_content=a\\ud800b%2BAGE-".encode())
    assert kept == "a\\ud800b+AGE-"


def test_every_charset_of_the_list_is_known_and_reads_ascii_as_itself():
    ascii_text = "".join(map(chr, range(32, 127)))
    for name in akismet._CHARSETS:
        assert codecs.lookup(name).name == name
        assert ascii_text.encode().decode(name) == ascii_text


def test_what_is_no_text_in_that_charset_is_replaced(world: World, door: str):
    assert raw(world, door, b"blog_charset=UTF-8&comment_content=a%FF%ED%A0%80b") == "a����b"


def test_a_form_may_come_in_parts_and_with_more_fields_than_php_takes(world: World, door: str):
    form = {"api_key": door, "blog": "b", "user_ip": "", "comment_content": "hello"}
    client = world.client()
    answer = client.post("/1.1/comment-check", data=form, content_type="multipart/form-data")
    assert answer.data == b"false"
    many = form | {f"POST_{n}": "x" for n in range(1500)}
    assert client.post("/1.1/comment-check", data=many).data == b"false"


def test_when_the_scorer_fails_the_client_is_told_to_hold(world: World, door: str):
    answer = check(world, door, "this breaks the model")
    assert answer.data not in {b"true", b"false"}
    assert answer.status_code == 200
    assert "X-akismet-error" in answer.headers


def test_a_door_that_is_switched_off_stays_shut(world: World, door: str):
    from dataclasses import replace  # noqa: PLC0415

    world.adapters.accounts.save_site(
        replace(world.site, doors=()), was=world.site, by=ADA, now_ms=1
    )
    assert check(world, door, "hello").data == b"invalid"


def test_what_wordpress_settings_page_asks_for_is_there(world: World, door: str):
    ask = world.client().post
    assert world.client().get("/1.1/test").data == b"connected"
    assert ask("/1.1/get-subscription", data={"api_key": door}).json["status"] == "active"
    assert "spam" in ask("/1.1/get-stats", data={"api_key": door}).json
    assert world.client().get(f"/1.2/usage-limit?api_key={door}").json["limit"] == "none"
    assert ask("/1.1/deactivate", data={"api_key": door}).data == b"deactivated"


def ask(world: World, path: str, **fields: str):
    return world.client().get(path, query_string=fields)


def test_statistics_tell_what_comments_became_and_what_people_corrected(world: World, door: str):
    check(world, door, "hello")
    check(world, door, "spam=0.95", comment_author="a")
    check(world, door, "spam=0.6", comment_author="b")
    missed = {"api_key": door, "blog": "https://blog.example", "user_ip": "203.0.113.9"}
    world.client().post("/1.1/submit-spam", data=missed | {"comment_content": "hello"})
    answer = ask(world, "/1.1/get-stats", api_key=door, **{"from": "60-days"}).json
    month = stats.month_of(world.adapters.clock.now_ms())
    counts = {"spam": 2, "ham": 1, "missed_spam": 1, "false_positives": 0}
    assert answer["breakdown"] == {month: counts | {"blogs": 1, "da": f"{month}-01"}}
    assert {name: answer[name] for name in counts} == counts
    assert answer["accuracy"] == 66.67
    usage = ask(world, "/1.2/usage-limit", api_key=door).json
    assert (usage["usage"], usage["limit"]) == (3, "none")


def test_a_keys_sites_are_told_as_json_and_as_csv(world: World, door: str):
    site = replace(world.site, url="https://www.blog.example/news")
    world.adapters.accounts.save_site(site, was=world.site, by=ADA, now_ms=1)
    check(world, door, "hello")
    month = stats.month_of(world.adapters.clock.now_ms())
    line = {
        "site": "www.blog.example", "api_calls": "1", "spam": "0", "ham": "1",
        "missed_spam": "0", "false_positives": "0", "is_revoked": False,
    }  # fmt: skip
    answer = ask(world, "/1.2/key-sites", api_key=door).json
    assert answer == {month: [line], "limit": 500, "offset": 0, "total": 1}
    csv = ask(world, "/1.2/key-sites", api_key=door, month=month, format="csv", limit="10").data
    assert csv.decode().splitlines() == [
        f"Active sites for {door} during {month} (limit:10, offset: 0, total: 1)",
        "Site,Total API Calls,Spam,Ham,Missed Spam,False Positives,Is Revoked",
        "www.blog.example,1,0,1,0,0,False",
    ]
    assert ask(world, "/1.2/key-sites", api_key=door, filter="other").json["total"] == 0
    assert ask(world, "/1.2/key-sites", api_key=door, month="2026-13").data == b"invalid"
    assert ask(world, "/1.2/key-sites", api_key="0123456789ab").data == b"invalid"


def test_a_request_for_sites_without_a_key_is_told_of_none(world: World):
    """akismet.py sends none, and reads the answer as JSON."""
    assert ask(world, "/1.2/key-sites").json["total"] == 0


def test_a_token_stands_for_the_site_and_is_plain_text(world: World, door: str):
    first, again = (world.client().post("/1.1/token", data={"api_key": door}) for _ in "ab")
    assert first.data == again.data
    assert len(first.data) == 64
    assert world.client().post("/1.1/token", data={"api_key": "0123456789ab"}).data == b"invalid"


# -- the memory of a repeated check

#: What an answer may depend on besides the text; each alone makes another check of it.
DEPENDS_ON = [
    {"user_role": "administrator"}, {"user_ip": "203.0.113.10"}, {"user_agent": "curl"},
    {"permalink": "https://blog.example/2"}, {"blog_lang": "de"}, {"comment_parent": "7"},
    {"honeypot_field_name": "trap", "trap": "filled"}, {"comment_author": "Bob"}, {"user_ID": "7"},
]  # fmt: skip


def guid(answer) -> str:
    return answer.headers["X-akismet-guid"]


def test_staff_is_not_given_the_answer_that_a_stranger_got_for_the_same_text(
    world: World, door: str
):
    who = {"comment_author": "Ada", "comment_author_email": "ada@mail.example"}
    assert check(world, door, "spam=0.95", **who).data == b"true"
    assert check(world, door, "spam=0.95", user_role="administrator", **who).data == b"false"
    assert check(world, door, "spam=0.95", **who).data == b"true"


@pytest.mark.parametrize("differing", DEPENDS_ON, ids=lambda changed: next(iter(changed)))
def test_a_check_that_differs_in_anything_is_a_check_of_its_own(world: World, door: str, differing):
    first = check(world, door, "hello")
    assert guid(check(world, door, "hello")) == guid(first)
    assert guid(check(world, door, "hello", **differing)) != guid(first)


def test_a_repeat_is_not_answered_by_what_the_site_s_rules_were(world: World, door: str):
    first = check(world, door, "a casino")
    assert first.data == b"false"
    accounts = world.adapters.accounts
    site = accounts.site(world.site.id)
    strict = replace(site, policy=replace(site.policy, blocked_words=("casino",)))
    accounts.save_site(strict, was=site, by=ADA, now_ms=1)
    world.app.extensions["winnow_door_sites"] = base.SitesByKey()  # a key is remembered for seconds
    again = check(world, door, "a casino")
    assert (again.data, guid(again) == guid(first)) == (b"true", False)


def test_a_recheck_is_answered_by_what_was_decided_but_not_for_another_role(
    world: World, door: str
):
    """WordPress leaves out what only the form had, and what it says long after the first check."""
    trapped = {"honeypot_field_name": "trap", "trap": "filled"}
    first = check(world, door, "toxicity=0.6", **trapped)
    (held,) = world.adapters.comments.queue(world.site.id).items
    world.adapters.review(held.id, Decision.APPROVE, by=ADA)
    again = check(world, door, "toxicity=0.6", recheck_reason="recheck_queue")
    assert (again.data, guid(again)) == (b"false", guid(first))
    other = check(world, door, "toxicity=0.6", recheck_reason="retry", user_role="subscriber")
    assert (other.data, guid(other) == guid(first)) == (b"true", False)


def test_a_report_finds_the_comment_whatever_else_the_check_said(world: World, door: str):
    first = check(world, door, "hello", permalink="https://blog.example/1", user_agent="Browser")
    form = {"api_key": door, "blog": "b", "user_ip": "203.0.113.9", "comment_content": "hello"}
    assert world.client().post("/1.1/submit-spam", data=form).data == THANKS
    found = world.adapters.comments.get(str(uuid.UUID(guid(first))))
    assert found.status == "spam"


def test_a_comment_that_is_cut_to_what_winnow_keeps_is_held(world: World, door: str):
    """WordPress takes four bytes for a character, and what stands behind the cut is judged by nobody."""
    grin = "\U0001f600"
    assert check(world, door, grin * 20_000 + " spam=0.95").data == b"true"
    (comment,) = world.adapters.comments.queue(world.site.id).items
    assert comment.verdict.reasons[0].code == "partly_read"
