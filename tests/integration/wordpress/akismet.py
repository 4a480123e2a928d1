"""WordPress with Akismet's own plugin and our must-use file (docs/integrate/wordpress/winnow.php)."""

from __future__ import annotations

import base64
import json
import shutil
import time
from collections.abc import Callable

from tests.integration.wordpress.blog import ADMIN, Blog, held, known, signed
from tests.integration.wordpress.comments import HAM, HELD, SPAM
from tests.support.service import ROOT, Running
from tests.support.waiting import wait_until

PLUGIN = ROOT / "docs" / "integrate" / "wordpress" / "winnow.php"
VERSION = "echo ', Akismet plugin ', AKISMET_VERSION;"
BY_ADMIN = {"kind": "blog", "name": ADMIN, "via": "akismet"}


def hook_of(blog: Blog) -> str:
    """Return where the must-use file takes events."""
    return f"{blog.url}/?rest_route=/winnow/v1/webhook"


def install(blog: Blog) -> None:
    """Put the must-use file where it belongs."""
    must_use = blog.root / "wp-content" / "mu-plugins"
    must_use.mkdir(exist_ok=True)
    shutil.copy(PLUGIN, must_use)


def introduced(winnow: Running, blog: Blog) -> tuple[str, str]:
    """Do what the guide says at Winnow's side; return the door key and the endpoint's secret."""
    key = winnow.cli("key", "add", "demo", "--kind", "door")["key"]
    events = [
        word for one in ("approved", "spam", "rejected") for word in ("--event", f"comment.{one}")
    ]
    made = winnow.cli("endpoint", "add", "demo", hook_of(blog), "--allow-private", *events)
    token = winnow.cli("token", "add", "tests")["token"]
    site = winnow.ask("GET", "/v1/sites", key=token)[1]["items"][0]["id"]
    policy = {"policy": {"blocked_words": ["rutabaga"]}}
    status, answer = winnow.ask("PATCH", f"/v1/sites/{site}", policy, key=token)
    assert status == 200, answer
    return key, made["secret"]


def the_key_is_valid_and_the_settings_page_says_so(blog: Blog, winnow: Running, secret: str):
    load = f"require '{blog.root}/wp-load.php';"
    assert blog.php(f"{load} echo Akismet::verify_key( WPCOM_API_KEY );") == "valid"
    assert blog.php(f"{load} echo Akismet::verify_key( 'ffffffffffff' );") == "invalid"
    older = "wp_remote_post( 'https://' . WPCOM_API_KEY . '.rest.akismet.com/1.1/get-stats' )"
    assert '"spam":' in blog.php(f"{load} echo wp_remote_retrieve_body( {older} );")
    status, page = blog.get("/wp-admin/options-general.php?page=akismet-key-config")
    assert status == 200
    assert "Active" in page


def ham_is_published(blog: Blog, winnow: Running, secret: str):
    comment = blog.comment(HAM, "Grace O'Malley")
    assert blog.status(comment) == "1"
    assert blog.is_public("loved the soup")
    assert known(winnow, HAM)["status"] == "approved"


def blatant_spam_is_discarded_as_the_plugin_does_at_first(blog: Blog, winnow: Running, secret: str):
    assert (
        blog.sql("SELECT option_value FROM wp_options WHERE option_name='akismet_strictness'")
        == "1"
    )
    assert blog.comment(SPAM, "Buy Pills") == 0
    assert known(winnow, SPAM)["status"] == "spam"


def the_name_that_is_always_spam_is_spam_and_is_not_kept(blog: Blog, winnow: Running, secret: str):
    before = len(winnow.ask("GET", "/v1/comments?limit=100")[1]["items"])
    comment = blog.comment("Is this thing on?", "akismet-guaranteed-spam")
    assert blog.status(comment) == "spam"
    assert len(winnow.ask("GET", "/v1/comments?limit=100")[1]["items"]) == before


def spam_is_spam(blog: Blog, winnow: Running, secret: str):
    load = f"require '{blog.root}/wp-load.php';"
    blog.php(f"{load} update_option( 'akismet_strictness', '0' ); // as our guide says")
    comment = blog.comment(SPAM, "Buy Pills")
    assert blog.status(comment) == "spam"
    assert not blog.is_public("casino bonus")
    assert known(winnow, SPAM)["status"] == "spam"


def a_held_comment_is_published_when_the_moderator_approves_it_in_winnow(
    blog: Blog, winnow: Running, secret: str
):
    comment, there = held(blog, winnow, HELD, "Hedy")
    assert there["status"] == "flagged"
    assert there["id"] in {one["id"] for one in winnow.ask("GET", "/v1/queue")[1]["items"]}
    winnow.cli("decide", there["id"], "approve")
    wait_until(lambda: blog.status(comment) == "1", message="the approval in WordPress")
    assert blog.is_public("twice as much butter")


def a_held_comment_goes_where_the_moderator_sends_it_in_winnow(
    blog: Blog, winnow: Running, secret: str
):
    for n, (decision, status) in enumerate([("spam", "spam"), ("reject", "trash")]):
        comment, there = held(blog, winnow, f"{HELD} Variant {n}.", f"Hedy {n}")
        winnow.cli("decide", there["id"], decision)
        wait_until(
            lambda c=comment, s=status: blog.status(c) == s, message=f"{decision} in WordPress"
        )


def what_winnow_takes_back_is_taken_back(blog: Blog, winnow: Running, secret: str):
    text = "The second edition has better pictures of the tools."
    comment = blog.comment(text, "Ada")
    assert blog.status(comment) == "1"
    winnow.cli("decide", known(winnow, text)["id"], "spam")
    wait_until(lambda: blog.status(comment) == "spam", message="the withdrawal in WordPress")


def not_spam_pressed_in_wordpress_is_a_decision_in_winnow(blog: Blog, winnow: Running, secret: str):
    """With quotes, which WordPress escapes when it checks and not when it reports."""
    text = SPAM + ' She\'s "sure" of it.'
    comment = blog.comment(text, "Miles O'Brien")
    assert blog.status(comment) == "spam"
    blog.press("unspamcomment", comment, on="spam")
    there = known(winnow, text)
    assert there["status"] == "approved", there["status"]
    assert there["history"][-1]["by"] == BY_ADMIN, there["history"]
    assert there["external_id"], there
    wait_until(lambda: blog.status(comment) == "1", message="the approval in WordPress")


def spam_pressed_in_wordpress_is_a_decision_in_winnow(blog: Blog, winnow: Running, secret: str):
    text = "I've tried the \"slow\" way and it's good; my shop has the pots."
    comment = blog.comment(text, "D'Arcy")
    assert blog.status(comment) == "1"
    blog.press("spamcomment", comment, on="approved")
    there = known(winnow, text)
    assert (there["status"], there["history"][-1]["by"]) == ("spam", BY_ADMIN), there
    assert blog.status(comment) == "spam"


def approving_in_wordpress_what_is_held_is_a_decision_in_winnow(
    blog: Blog, winnow: Running, secret: str
):
    text = f'{HELD} It\'s "hers".'
    comment, _ = held(blog, winnow, text, "Hedy L'Amour")
    blog.press("approvecomment", comment, on="moderated")
    assert blog.status(comment) == "1"
    there = known(winnow, text)
    assert (there["status"], there["history"][-1]["by"]) == ("approved", BY_ADMIN)


def a_webhook_that_winnow_did_not_sign_is_refused(blog: Blog, winnow: Running, secret: str):
    text = f"{HELD} With forged papers."
    comment, there = held(blog, winnow, text, "Mallory")
    data = {"id": there["id"], "sequence": 9}
    body = json.dumps({"type": "comment.approved", "data": data}).encode()
    path = hook_of(blog).removeprefix(blog.url)
    now = int(time.time())
    other = "whsec_" + base64.b64encode(b"x" * 32).decode()
    assert blog.post(path, body) == 401
    assert blog.post(path, body, **signed(other, now, body)) == 401
    assert blog.post(path, body, **signed(secret, now - 3600, body)) == 401
    assert blog.post(path, body + b" ", **signed(secret, now, body)) == 401
    assert blog.status(comment) == "0"
    assert blog.post(path, body, **signed(secret, now, body)) == 204
    assert blog.status(comment) == "1"


def wordpresss_own_export_is_imported(blog: Blog, winnow: Running, secret: str):
    """Every comment but its spam, which WordPress leaves out."""
    load = f"require '{blog.root}/wp-load.php'; require ABSPATH . 'wp-admin/includes/export.php';"
    file = blog.home / "export.xml"
    file.write_text(blog.php(f"{load} export_wp();"), encoding="utf-8")
    winnow.cli("site", "add", "history")
    printed = winnow.cli("import", "wordpress", str(file), "--site", "history")
    count = "SELECT COUNT(*) FROM wp_comments WHERE comment_approved IN"
    expected = int(blog.sql(f"{count} ('0', '1', 'trash')"))
    assert printed == {"new": expected, "same": 0, "not_taken": 0, "not_whole": 0}, (
        printed,
        expected,
    )
    again = winnow.cli("import", "wordpress", str(file), "--site", "history")
    assert again == {"new": 0, "same": expected, "not_taken": 0, "not_whole": 0}, again
    token = winnow.cli("token", "add", "history")["token"]
    found = winnow.ask("GET", "/v1/comments?site=history&limit=100", key=token)[1]["items"]
    (ham,) = [one for one in found if one["content"] == HAM]
    assert (ham["status"], ham["author"]["name"]) == ("approved", "Grace O'Malley"), ham
    assert (ham["post"]["title"], ham["history"][-1]["by"]["kind"]) == ("Hello world!", "import"), (
        ham
    )


def what_comes_while_winnow_is_away_waits_and_is_checked_afterwards_and_not_published_if_doubtful(
    blog: Blog, winnow: Running, secret: str
):
    text, asked = f'{HELD} It\'s after the "storm".', "Is anybody there to read this?"
    with winnow.away():
        first = blog.comment(asked, "Nobody")
        assert not blog.is_public(asked)
        comment = blog.comment(text, "Patience")
        good, bad = (blog.comment(f"{one} After the storm.", "Reader") for one in (HAM, SPAM))
        assert [blog.status(one) for one in (first, comment, good, bad)] == ["0"] * 4
    blog.php(f"require '{blog.root}/wp-load.php'; Akismet::cron_recheck();")
    assert [blog.status(one) for one in (comment, good, bad)] == ["spam", "1", "spam"]
    there = known(winnow, text)
    assert there["status"] == "flagged"
    winnow.cli("decide", there["id"], "approve")
    wait_until(lambda: blog.status(comment) == "1", message="the approval in WordPress")


def akismets_plugin_no_longer_publishes_by_itself(blog: Blog, winnow: Running, secret: str):
    """From 5.5 on it hooks its approval in on init; what we take out is whatever hangs there."""
    hooked = (
        "add_action( 'init', fn() => add_action( 'akismet_approval_fallback', '__return_true' ) );"
    )
    code = f"{hooked} do_action( 'init' ); echo (int) has_action( 'akismet_approval_fallback' );"
    assert blog.run(code) == "0"


CLAIMS: list[Callable[[Blog, Running, str], None]] = [
    the_key_is_valid_and_the_settings_page_says_so,
    ham_is_published,
    blatant_spam_is_discarded_as_the_plugin_does_at_first,
    the_name_that_is_always_spam_is_spam_and_is_not_kept,
    spam_is_spam,
    a_held_comment_is_published_when_the_moderator_approves_it_in_winnow,
    a_held_comment_goes_where_the_moderator_sends_it_in_winnow,
    what_winnow_takes_back_is_taken_back,
    not_spam_pressed_in_wordpress_is_a_decision_in_winnow,
    spam_pressed_in_wordpress_is_a_decision_in_winnow,
    approving_in_wordpress_what_is_held_is_a_decision_in_winnow,
    a_webhook_that_winnow_did_not_sign_is_refused,
    wordpresss_own_export_is_imported,
    what_comes_while_winnow_is_away_waits_and_is_checked_afterwards_and_not_published_if_doubtful,
    akismets_plugin_no_longer_publishes_by_itself,
]
