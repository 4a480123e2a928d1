"""A network of blogs in subdirectories with our own plugin, each blog with a site and key of its own."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.integration.wordpress.blog import Blog, signed
from tests.integration.wordpress.comments import HAM, HELD
from tests.integration.wordpress.plugin import OURS, SCHEDULE, becomes, submit, uploaded
from tests.support.service import Running
from tests.support.waiting import wait_until

NETWORK = "/wp-admin/network/"


@dataclass(frozen=True)
class Garden:
    """One blog of the network, and its site at Winnow."""

    blog: Blog
    site: str
    key: str

    def known(self, winnow: Running) -> dict[str, dict]:
        """Return the site's comments by the blog's id."""
        items = winnow.ask("GET", "/v1/comments?limit=200", key=self.key)[1]["items"]
        return {one["external_id"]: one for one in items if one["external_id"]}

    def hook(self) -> str:
        """Return where this blog takes events."""
        return self.blog.run("echo Winnow\\Plugin\\Connection::hook();")

    def is_tested(self) -> bool:
        """Say whether a test event arrived at this blog."""
        return self.blog.run("echo get_option( 'winnow_tested', 0 );") != "0"


def introduced(winnow: Running, first: Blog, second: Blog) -> tuple[Garden, Garden]:
    """Upload the plugin for the whole network; give each blog a site that holds one word."""
    first.log_in()
    uploaded(first, at=NETWORK)
    token = winnow.cli("token", "add", "tests")["token"]
    key = winnow.cli("site", "add", "pond", "--url", second.url)["key"]
    gardens = Garden(first, "demo", winnow.key), Garden(second, "pond", key)
    policy = {"policy": {"blocked_words": ["rutabaga"]}}
    for one in winnow.ask("GET", "/v1/sites", key=token)[1]["items"]:
        status, answer = winnow.ask("PATCH", f"/v1/sites/{one['id']}", policy, key=token)
        assert status == 200, answer
    for one in gardens:
        winnow.cli("endpoint", "add", one.site, one.hook(), "--allow-private")
        warm = {"content": "Good morning."}
        winnow.ask("POST", "/v1/comments", warm, key=one.key, Prefer="wait=10")
    return gardens


# -- the claims, in order


def activated_for_the_network_it_changes_nothing_without_settings(
    site: Blog, winnow: Running, first: Garden, second: Garden
):
    for one in (first, second):
        assert one.blog.status(one.blog.comment("Before Winnow: the beans are up.", "Early")) == "1"
        assert one.known(winnow) == {}


def each_blog_is_connected_by_its_own_settings_page(
    site: Blog, winnow: Running, first: Garden, second: Garden
):
    page = submit(first.blog, "save", url=winnow.url, key=first.key)
    assert "Saved and connected" in page, page
    early = second.blog.comment("The pond is not connected yet.", "Early")
    assert (second.blog.status(early), second.known(winnow)) == ("1", {})
    page = submit(second.blog, "save", url=winnow.url, key=second.key)
    assert "Saved and connected" in page, page
    assert "Site in Winnow: pond" in page, page
    for one in (first, second):
        assert "A test event is on its way" in submit(one.blog, "test")
        wait_until(one.is_tested, message="the test event")
    hooks = [one.blog.run(f"{OURS} echo Settings::all()['hook'];") for one in (first, second)]
    assert hooks == [first.hook(), second.hook()]
    assert hooks[0] != hooks[1]


def a_comment_held_on_each_appears_on_the_right_one_when_approved_at_the_desk(
    site: Blog, winnow: Running, first: Garden, second: Garden
):
    held = {}
    for one in (second, first):
        text = f"{HELD} On {one.site}."
        held[one] = one.blog.comment(text, f"Reader of {one.site}")
        assert one.blog.status(held[one]) == "0"
        assert not one.blog.is_public(f"as much butter. On {one.site}.")
    for one, other in ((second, first), (first, second)):
        text = f"{HELD} On {one.site}."
        there = named(one, winnow, held[one])
        assert (there["content"], there["status"]) == (text, "flagged")
        assert there["post"]["url"].startswith(f"{one.blog.url}/"), there["post"]
        before = other.blog.status(held[other])
        winnow.cli("decide", there["id"], "approve")
        becomes(one.blog, held[one], "1")
        assert one.blog.is_public(f"as much butter. On {one.site}.")
        assert not other.blog.is_public(f"as much butter. On {one.site}.")
        assert other.blog.status(held[other]) == before


def named(one: Garden, winnow: Running, comment: int) -> dict:
    """Return what Winnow knows of a comment of a blog; those after the first carry its number."""
    prefix = one.blog.tables.removeprefix("wp_").replace("_", "-")
    found = one.known(winnow)
    assert f"{prefix}{comment}" in found, list(found)
    return found[f"{prefix}{comment}"]


def ham_is_published_and_a_moderators_word_on_one_blog_is_a_decision_at_its_site(
    site: Blog, winnow: Running, first: Garden, second: Garden
):
    assert second.blog.status(second.blog.comment(HAM, "Grace")) == "1"
    comment = second.blog.comment(f"{HELD} By the moderator.", "Hedy")
    second.blog.press("spamcomment", comment, on="moderated")
    wait_until(lambda: named(second, winnow, comment)["status"] == "spam", message="spam in Winnow")
    assert all(one["status"] != "spam" for one in first.known(winnow).values())


def an_event_signed_for_one_blog_is_refused_by_the_other(
    site: Blog, winnow: Running, first: Garden, second: Garden
):
    comment = first.blog.comment(f"{HELD} For the other.", "Mallory")
    there = named(first, winnow, comment)
    data = {
        "id": there["id"], "site_id": there["site_id"], "external_id": str(comment),
        "revision": 1, "sequence": there["version"] + 1, "status": "approved",
    }  # fmt: skip
    body, now = json.dumps({"type": "comment.approved", "data": data}).encode(), int(time.time())
    theirs = second.blog.run(f"{OURS} echo Settings::secrets()[0];")
    path = first.hook().removeprefix(first.blog.url)
    assert first.blog.post(path, body, **signed(theirs, now, body)) == 401
    # Rightly signed, but brought to the wrong blog: taken, and nothing is done there.
    path = second.hook().removeprefix(second.blog.url)
    assert second.blog.post(path, body, **signed(theirs, now, body)) == 204
    assert (first.blog.status(comment), there["status"]) == ("0", "flagged")


def what_no_webhook_brought_each_blogs_feed_brings(
    site: Blog, winnow: Running, first: Garden, second: Garden
):
    held = {one: one.blog.comment(f"{HELD} Lost on {one.site}.", "Lost") for one in (first, second)}
    for one, comment in held.items():
        one.blog.run(f"{OURS} Settings::change( array( 'secrets' => array() ) );")
        winnow.cli("decide", named(one, winnow, comment)["id"], "approve")
    for one, comment in held.items():

        def published(one: Garden = one, comment: int = comment) -> bool:
            one.blog.run(SCHEDULE)
            return one.blog.status(comment) == "1"

        wait_until(published, message=f"the feed of {one.site}")
        assert "Connected" in submit(one.blog, "connect")


def blogs_that_share_a_key_are_told_apart(
    site: Blog, winnow: Running, first: Garden, second: Garden
):
    winnow.cli("endpoint", "add", first.site, second.hook(), "--allow-private")
    assert "Saved and connected" in submit(second.blog, "save", url=winnow.url, key=first.key)
    shared = Garden(second.blog, first.site, first.key)
    comment = second.blog.comment(f"{HELD} One key for two.", "Shared")
    while (other := first.blog.comment(f"{HELD} {time.monotonic()}", "Shared")) < comment:
        pass
    there = named(shared, winnow, comment)
    winnow.cli("decide", there["id"], "approve")
    becomes(second.blog, comment, "1")
    first.blog.run(SCHEDULE)
    assert first.blog.status(min(comment, other)) == "0"


def php_has_complained_of_nothing(site: Blog, winnow: Running, first: Garden, second: Garden):
    ours = [line for line in site.complaints().splitlines() if "plugins/winnow/" in line]
    assert not ours, ours[:5]


def deleting_it_for_the_network_leaves_nothing_behind_on_any_blog(
    site: Blog, winnow: Running, first: Garden, second: Garden
):
    site.run(
        "update_site_option( 'active_sitewide_plugins', array() );"
        "define( 'WP_UNINSTALL_PLUGIN', 'winnow/winnow.php' );"
        f"require '{site.root}/wp-content/plugins/winnow/uninstall.php';"
    )
    for one in (first, second):
        tables = one.blog.tables
        left = f"SELECT option_name FROM {tables}options WHERE option_name LIKE '%winnow%' AND option_name NOT LIKE '%winnow_said%'"
        assert one.blog.sql(left) == ""
        notes = f"SELECT COUNT(*) FROM {tables}commentmeta WHERE meta_key LIKE '%winnow%'"
        assert one.blog.sql(notes) == "0"
        cron = f"SELECT option_value FROM {tables}options WHERE option_name = 'cron'"
        assert "winnow" not in one.blog.sql(cron)
    assert winnow.ask("GET", "/v1/endpoints")[1]["items"] == []


CLAIMS: list[Callable[[Blog, Running, Garden, Garden], None]] = [
    activated_for_the_network_it_changes_nothing_without_settings,
    each_blog_is_connected_by_its_own_settings_page,
    a_comment_held_on_each_appears_on_the_right_one_when_approved_at_the_desk,
    ham_is_published_and_a_moderators_word_on_one_blog_is_a_decision_at_its_site,
    an_event_signed_for_one_blog_is_refused_by_the_other,
    what_no_webhook_brought_each_blogs_feed_brings,
    blogs_that_share_a_key_are_told_apart,
    php_has_complained_of_nothing,
    deleting_it_for_the_network_leaves_nothing_behind_on_any_blog,
]
