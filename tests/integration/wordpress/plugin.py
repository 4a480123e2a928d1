"""WordPress with our own plugin (integrations/wordpress)."""

from __future__ import annotations

import base64
import html
import json
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

from integrations.wordpress.build import build
from tests.integration.wordpress.blog import ADMIN, Blog, held, known, signed
from tests.integration.wordpress.comments import HAM, HELD, SPAM
from tests.support.service import Running
from tests.support.waiting import PATIENCE_SECONDS, wait_until

SETTINGS = "/wp-admin/options-general.php?page=winnow"
#: What our schedule does, as WP-Cron has it done.
SCHEDULE = "do_action( 'winnow_every_five_minutes' );"
#: Who writes what PHP inserts below, and leave to write quickly.
BY_ADA = (
    "'comment_post_ID' => 1, 'comment_author' => 'Ada', 'comment_author_email' => '', "
    "'comment_author_url' => '', 'comment_author_IP' => '192.0.2.7', 'comment_agent' => ''"
)
QUICKLY = "remove_all_actions( 'check_comment_flood' ); "
#: Names of our classes in the snippets below.
OURS = "use Winnow\\Plugin\\Settings; use Winnow\\Plugin\\History; use Winnow\\Plugin\\Notes;"


def uploaded(blog: Blog, *, at: str = "/wp-admin/") -> None:
    """Build the zip, upload it under Plugins > Add New, and activate it, for a network as well."""
    archive = build(blog.home / "dist")
    page = blog.get(f"{at}plugin-install.php?tab=upload")[1]
    nonce = re.search(r'(?s)wp-upload-form.*?name="_wpnonce" value="([^"]+)"', page)
    assert nonce, page[-2000:]
    form = {"_wpnonce": nonce[1], "install-plugin-submit": "Install Now"}
    page = blog.upload(f"{at}update.php?action=upload-plugin", form, "pluginzip", archive)
    link = re.search(r"href=['\"](plugins\.php\?action=activate[^'\"]*)['\"]", page)
    assert link, page[-2000:]
    assert blog.get(at + html.unescape(link[1]))[0] == 302


def introduced(winnow: Running, blog: Blog) -> None:
    """Do what the guide says at Winnow's side for a blog on the same machine."""
    winnow.cli("endpoint", "add", "demo", hook_of(blog), "--allow-private")
    token = winnow.cli("token", "add", "tests")["token"]
    site = winnow.ask("GET", "/v1/sites", key=token)[1]["items"][0]["id"]
    policy = {"policy": {"blocked_words": ["rutabaga"]}, "edits": True, "replies": True}
    status, answer = winnow.ask("PATCH", f"/v1/sites/{site}", policy, key=token)
    assert status == 200, answer
    winnow.ask("POST", "/v1/comments", {"content": "Good morning."}, Prefer="wait=10")
    blog.log_in()
    uploaded(blog)


def hook_of(blog: Blog) -> str:
    """Return where the plugin takes events, without pretty permalinks."""
    return f"{blog.url}/index.php?rest_route=/winnow/v1/events"


def submit(blog: Blog, act: str, **fields: str) -> str:
    """Press a button of the settings page; return what the page says then."""
    page = blog.get(SETTINGS)[1]
    nonce = re.search(r'name="_wpnonce" value="([^"]+)"', page)
    assert nonce, page[-2000:]
    form = {"action": "winnow", "act": act, "_wpnonce": nonce[1], **fields}
    status = blog.send("/wp-admin/admin-post.php", form)
    assert status == 302, status
    return html.unescape(blog.get(SETTINGS)[1])


def note(blog: Blog, comment: int, name: str) -> str:
    """Return what the plugin noted of a comment."""
    found = f"SELECT meta_value FROM wp_commentmeta WHERE comment_id = {comment} AND meta_key = '_winnow_{name}'"
    return blog.sql(found)


def becomes(blog: Blog, comment: int, status: str) -> None:
    """Wait until a comment stands where it should in WordPress."""
    wait_until(lambda: blog.status(comment) == status, message=f"{status} in WordPress")


def decided(winnow: Running, text: str, status: str) -> dict:
    """Wait until Winnow has a comment where it should be, by the moderator's name."""
    wait_until(lambda: known(winnow, text)["status"] == status, message=f"{status} in Winnow")
    there = known(winnow, text)
    by = there["history"][-1]["by"]
    assert (by["kind"], by["name"]) == ("blog", ADMIN), by
    return there


class Watch:
    """What a blog asks Winnow, one line a request: the time and the path."""

    def __init__(self, home: Path) -> None:
        self.log, self.gate = home / "asked", home / "held"

    def times(self) -> list[float]:
        """Return when it asked, in Unix seconds."""
        return [float(line.split()[0]) for line in self.log.read_text().splitlines()]

    def asked(self, path: str) -> int:
        """Return how often it asked *path*."""
        return sum(line.endswith(f" {path}") for line in self.log.read_text().splitlines())

    def let_go(self) -> None:
        """Let what is held go on its way."""
        self.gate.unlink(missing_ok=True)


@contextmanager
def watched(blog: Blog, *, hold: str = "-") -> Iterator[Watch]:
    """See what the blog asks Winnow; every request of the path *hold* but the first waits to be let go."""
    watch = Watch(blog.home)
    watch.log.write_text("")
    watch.gate.touch()
    file = blog.root / "wp-content" / "mu-plugins" / "watched.php"
    file.write_text(f"""<?php
        add_filter( 'pre_http_request', function ( $none, $arguments, $url ) {{
            $path = parse_url( $url, PHP_URL_PATH );
            if ( ! str_starts_with( $path, '/v1/' ) ) {{ return $none; }}
            file_put_contents( '{watch.log}', microtime( true ) . " $path\n", FILE_APPEND );
            $times = preg_match_all( '~ {hold}$~m', file_get_contents( '{watch.log}' ) );
            while ( '{hold}' === $path && $times > 1 && file_exists( '{watch.gate}' ) ) {{
                usleep( 10000 );
                clearstatcache();
            }}
            return $none;
        }}, 10, 3 );""")
    try:
        yield watch
    finally:
        watch.let_go()
        file.unlink()


# -- the claims, in order


def without_settings_the_plugin_changes_nothing(blog: Blog, winnow: Running):
    assert blog.status(blog.comment("Before Winnow: the beans are up.", "Early")) == "1"
    blog.mails()


def a_wrong_key_and_a_wrong_address_are_said_in_words(blog: Blog, winnow: Running):
    page = submit(blog, "save", url=winnow.url, key="wk_wrong")
    assert "Winnow does not accept the site key" in page, page
    page = submit(blog, "save", url="http://127.0.0.1:9", key=winnow.key)
    assert "Winnow does not answer" in page, page
    page = submit(blog, "save", url=blog.url, key=winnow.key)
    assert "is not Winnow" in page, page
    token = winnow.cli("token", "add", "mistaken")["token"]
    assert "administrator's token" in submit(blog, "save", url=winnow.url, key=token)


def the_page_warns_of_an_unencrypted_address_outside_this_machine(blog: Blog, winnow: Running):
    for url, warned in (
        ("http://winnow.example", True),
        ("http://127.0.0.1.winnow.example:8000", True),
        ("HTTP://192.168.7.7:8000", True),
        ("https://winnow.example", False),
        ("http://localhost:9", False),
        ("http://[::1]:9", False),
        (winnow.url, False),
    ):
        page = submit(blog, "save", url=url, key="wk_wrong")
        assert ("not encrypted" in page) is warned, (url, page)


def saving_address_and_key_connects_and_no_secret_is_copied(blog: Blog, winnow: Running):
    page = submit(blog, "save", url=winnow.url, key=winnow.key)
    assert "Saved and connected" in page, page
    assert winnow.key not in page
    assert "A test event is on its way" in submit(blog, "test")
    wait_until(lambda: "test event arrived" in blog.get(SETTINGS)[1], message="the test event")


def where_winnow_may_not_reach_the_blog_the_page_says_what_to_run(blog: Blog, winnow: Running):
    moved = "add_filter( 'rest_url', fn( $url ) => $url . '&elsewhere=1' );"
    message = blog.run(f"{moved} echo Winnow\\Plugin\\Connection::connect()->get_error_message();")
    assert "./winnow endpoint add demo" in message, message
    assert "--allow-private" in message
    assert "Connected" in submit(blog, "connect")


def ham_is_published_within_the_readers_request(blog: Blog, winnow: Running):
    comment = blog.comment(HAM, "Grace O'Malley")
    assert blog.status(comment) == "1"
    assert blog.is_public("loved the soup")
    there = known(winnow, HAM)
    assert (there["status"], there["external_id"]) == ("approved", str(comment))
    assert there["post"]["title"] == "Hello world!"
    assert there["author"]["name"] == "Grace O'Malley"
    mails = blog.mails()
    assert "Please moderate" not in mails, "what is published at once needs no moderator"
    assert mails.count("] Comment:") == 1, mails


def spam_is_spam(blog: Blog, winnow: Running):
    comment = blog.comment(SPAM, "Buy Pills")
    assert blog.status(comment) == "spam"
    assert known(winnow, SPAM)["status"] == "spam"


def a_held_comment_appears_when_the_moderator_approves_it_at_the_desk(blog: Blog, winnow: Running):
    comment, there = held(blog, winnow, HELD, "Hedy")
    assert there["status"] == "flagged"
    assert blog.mails().count("Please moderate") == 1
    winnow.cli("decide", there["id"], "approve")
    becomes(blog, comment, "1")
    assert blog.is_public("twice as much butter")


def a_text_changed_at_the_desk_is_what_is_published(blog: Blog, winnow: Running):
    """Held or published: what the moderator took out is seen by nobody, and is no edit of the blog's."""
    comment = blog.comment(f"{HELD} My number is 555-0100.", "Caller")
    there = known(winnow, f"{HELD} My number is 555-0100.")
    path = f"/v1/comments/{there['id']}"
    for revision, text in ((1, f"{HELD} <b>Call</b> me \\o/."), (2, f"{HELD} Call me.")):
        body = {"content": text, "revision": revision, "moderator": "mia"}
        assert winnow.ask("POST", f"{path}/revision", body)[0] == 200
        wait_until(lambda text=text: content(blog, comment) == text, message="the new text")
        assert winnow.ask("GET", path)[1]["revision"] == revision + 1
        if revision == 1:
            assert blog.status(comment) == "0"
            winnow.ask("POST", f"{path}/decision", {"decision": "approve"})
            becomes(blog, comment, "1")
            wait_until(lambda: not winnow.ask("GET", path)[1]["undo_until"], message="no undo")
    assert blog.status(comment) == "1"
    blog.run(SCHEDULE)
    assert content(blog, comment) == f"{HELD} Call me."


def a_reply_at_the_desk_is_published_once_under_its_comment(blog: Blog, winnow: Running):
    """As the user with the moderator's name, else as the administrator; never as markup."""
    comment, there = held(blog, winnow, f"{HELD} Is it good?", "Asker")
    path = f"/v1/comments/{there['id']}"
    body = {"text": 'It is: <b>butter</b> & \\o/ "love".', "moderator": "nobody here"}
    assert winnow.ask("POST", f"{path}/replies", body)[0] == 409
    winnow.ask("POST", f"{path}/decision", {"decision": "approve"})
    for n, name in enumerate(("nobody here", ADMIN), 1):
        status, made = winnow.ask("POST", f"{path}/replies", body | {"moderator": name})
        assert (status, made["number"]) == (201, n)
    query = f"FROM wp_comments WHERE comment_parent = {comment}"
    wait_until(lambda: blog.sql(f"SELECT COUNT(*) {query}") == "2", message="two replies")
    becomes(blog, comment, "1")
    rows = blog.sql(
        f"SELECT comment_approved, user_id, comment_author, HEX(comment_content) {query}"
    )
    for row in rows.splitlines():
        approved, user, author, text = row.split("\t")
        assert (approved, user, author) == ("1", "1", ADMIN), row
        assert bytes.fromhex(text).decode() == (
            "It is: &lt;b&gt;butter&lt;/b&gt; &amp; \\o/ &quot;love&quot;."
        )
    blog.run(SCHEDULE)
    (endpoint, *_) = winnow.ask("GET", "/v1/endpoints")[1]["items"]
    of_comment = f"/v1/endpoints/{endpoint['id']}/deliveries?comment={there['id']}"
    for one in winnow.ask("GET", of_comment)[1]["items"]:
        if one["type"] == "reply.requested":
            again = f"/v1/endpoints/{endpoint['id']}/redeliver"
            assert winnow.ask("POST", again, {"delivery": one["id"]})[0] == 200
    wait_until(lambda: due(winnow, there["id"]) == 0, message="delivered again")
    assert blog.sql(f"SELECT COUNT(*) {query}") == "2"


def a_reply_that_webhook_and_feed_bring_at_once_is_published_once(blog: Blog, winnow: Running):
    """Of four processes one writes its comment only when each of the others writes, too, or has answered."""
    comment, there = held(blog, winnow, f"{HELD} Once?", "Once")
    path = f"/v1/comments/{there['id']}"
    winnow.ask("POST", f"{path}/decision", {"decision": "approve"})
    becomes(blog, comment, "1")
    reply = {"id": f"{there['id']}-7", "text": "Once.", "author": {"name": ADMIN}}
    data = {
        "id": there["id"], "site_id": there["site_id"], "external_id": str(comment), "reply": reply,
    }  # fmt: skip
    event = base64.b64encode(json.dumps({"type": "reply.requested", "data": data}).encode())
    happened = f"Winnow\\Plugin\\Receiver::happened( json_decode( base64_decode( '{event.decode()}' ), true ) )"
    code = f"""$came = fn( $to ) => file_put_contents( "{blog.home}/$to", '.', FILE_APPEND );
        $all = function ( ...$places ) {{
            $end = time() + {PATIENCE_SECONDS:.0f};
            do {{
                clearstatcache();
                $here = 0;
                foreach ( $places as $one ) {{ $here += (int) @filesize( "{blog.home}/$one" ); }}
                usleep( 10000 );
            }} while ( $here < 4 && time() < $end );
        }};
        add_filter( 'winnow_replier', function( $user ) use ( $came, $all ) {{
            $came( 'writing' ); $all( 'writing', 'answered' ); return $user;
        }} );
        $came( 'ready' ); $all( 'ready' );
        $done = {happened};
        $came( 'answered' );
        echo $done ? 'done' : 'later';"""
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(blog.run, [code] * 4))
    query = f"SELECT COUNT(*) FROM wp_comments WHERE comment_parent = {comment}"
    assert (answers.count("done"), answers.count("later"), blog.sql(query)) == (1, 3, "1"), answers
    assert blog.run(f"echo {happened} ? 'done' : 'later';") == "done"
    assert blog.sql(query) == "1"
    assert blog.sql("SELECT COUNT(*) FROM wp_options WHERE option_name LIKE 'winnow%.lock'") == "0"


def content(blog: Blog, comment: int) -> str:
    """Return a comment's text in WordPress."""
    found = f"SELECT HEX(comment_content) FROM wp_comments WHERE comment_ID = {comment}"
    return bytes.fromhex(blog.sql(found)).decode()


def a_held_comment_goes_where_the_desk_sends_it(blog: Blog, winnow: Running):
    for n, (decision, status) in enumerate([("spam", "spam"), ("reject", "trash")]):
        comment, there = held(blog, winnow, f"{HELD} Variant {n}.", f"Hedy {n}")
        winnow.cli("decide", there["id"], decision)
        becomes(blog, comment, status)


def what_winnow_takes_back_is_taken_back(blog: Blog, winnow: Running):
    text = "The second edition has better pictures of the tools."
    comment = blog.comment(text, "Ada")
    assert blog.status(comment) == "1"
    winnow.cli("decide", known(winnow, text)["id"], "spam")
    becomes(blog, comment, "spam")


def the_list_says_why_a_comment_is_held_and_links_to_the_desk(blog: Blog, winnow: Running):
    text = f"{HELD} And what of the list?"
    comment, there = held(blog, winnow, text, "Lister")
    # Where screening took longer than the reader waits, an event brings the verdict.
    wait_until(lambda: note(blog, comment, "state") == "flagged", message="the verdict")
    status, page = blog.get("/wp-admin/edit-comments.php?winnow_state=flagged")
    assert status == 200
    assert f"/desk/comments/{there['id']}" in page
    assert html.escape(there["reasons"][0]["text"], quote=False)[:20] in page, there["reasons"]
    assert "And what of the list?" in page
    assert "loved the soup" not in page, "the filter leaves out what is allowed"
    assert "To Winnow" in blog.get("/wp-admin/index.php")[1]
    assert comment


def approve_spam_and_trash_in_wordpress_are_decisions_in_winnow(blog: Blog, winnow: Running):
    for n, (action, view, there_status, here) in enumerate(
        [
            ("approvecomment", "moderated", "approved", "1"),
            ("spamcomment", "moderated", "spam", "spam"),
            ("trashcomment", "moderated", "rejected", "trash"),
        ]
    ):
        text = f'{HELD} It\'s "hers", number {n}.'
        comment, _ = held(blog, winnow, text, "D'Arcy")
        blog.press(action, comment, on=view)
        there = decided(winnow, text, there_status)
        time_of_event(winnow, there["id"])
        assert blog.status(comment) == here


def time_of_event(winnow: Running, comment_id: str) -> None:
    """Wait until every event of a comment has been delivered, so that an echo would have come."""
    (endpoint, *_) = winnow.ask("GET", "/v1/endpoints")[1]["items"]
    path = f"/v1/endpoints/{endpoint['id']}/deliveries?comment={comment_id}"

    def settled() -> bool:
        items = winnow.ask("GET", path)[1]["items"]
        return len(items) >= 2 and all(one["state"] == "delivered" for one in items)

    wait_until(settled, message="the delivery of the decision")


def a_change_of_mind_in_wordpress_stands_and_no_echo_undoes_it(blog: Blog, winnow: Running):
    text = f"{HELD} Twice decided."
    comment, there = held(blog, winnow, text, "Twice")
    blog.press("approvecomment", comment, on="moderated")
    blog.press("spamcomment", comment, on="approved")
    decided(winnow, text, "spam")
    wait_until(lambda: due(winnow, there["id"]) == 0, message="all deliveries")
    assert blog.status(comment) == "spam"
    changes = len(known(winnow, text)["history"])
    blog.cron()
    blog.run(SCHEDULE)
    assert (blog.status(comment), len(known(winnow, text)["history"])) == ("spam", changes)


def due(winnow: Running, comment_id: str) -> int:
    """Return how many deliveries of a comment are not done yet."""
    (endpoint, *_) = winnow.ask("GET", "/v1/endpoints")[1]["items"]
    path = f"/v1/endpoints/{endpoint['id']}/deliveries?comment={comment_id}"
    return sum(one["state"] != "delivered" for one in winnow.ask("GET", path)[1]["items"])


def a_moderators_edit_is_a_revision_and_a_decision(blog: Blog, winnow: Running):
    text = "The tomatos are ripe in august, and tehy are sweet."
    comment = blog.comment(text, "Typo")
    assert blog.status(comment) == "1"
    better = "The tomatoes are ripe in August, and they are sweet."
    blog.run(
        f"wp_set_current_user( 1 ); wp_update_comment( array( 'comment_ID' => {comment}, 'comment_content' => '{better}' ) );"
    )
    wait_until(lambda: known(winnow, better)["status"] == "approved", message="approved in Winnow")
    assert known(winnow, better)["revision"] == 2
    assert blog.status(comment) == "1"


def a_readers_edit_is_held_and_screened_anew(blog: Blog, winnow: Running):
    text = "Plums keep well in a cold cellar until February."
    comment = blog.comment(text, "Turncoat")
    assert blog.status(comment) == "1"
    blog.run(
        f"wp_set_current_user( 0 ); wp_update_comment( array( 'comment_ID' => {comment}, 'comment_content' => 'My rutabaga recipe instead.' ) );"
    )
    wait_until(
        lambda: known(winnow, "My rutabaga recipe instead.")["status"] == "flagged", message=""
    )
    assert blog.status(comment) == "0"


def reviews_pingbacks_and_the_rest_api_are_screened(blog: Blog, winnow: Running):
    for kind in ("review", "pingback", "comment"):
        text = f"A rutabaga of kind {kind}."
        code = f"echo wp_new_comment( array( {BY_ADA}, 'comment_type' => '{kind}', 'comment_content' => '{text}' ) );"
        said = blog.run(f"{QUICKLY} wp_set_current_user( 0 ); {code}")
        assert said.isdecimal(), re.sub(r"(?s)<head>.*</head>|<[^>]*>", "", said)[-300:]
        comment = int(said)
        assert blog.status(comment) == "0", kind
        assert known(winnow, text)["status"] == "flagged", kind
    for text, expected in (("REST brings good beans, too.", "1"), ("REST rutabaga.", "0")):
        fields = {"post": 1, "author_name": "R", "author_email": "r@mail.example", "content": text}
        code = f"""add_filter( 'rest_allow_anonymous_comments', '__return_true' );
            $asked = new WP_REST_Request( 'POST', '/wp/v2/comments' );
            foreach ( json_decode( '{json.dumps(fields)}', true ) as $name => $value ) {{ $asked->set_param( $name, $value ); }}
            $answer = rest_do_request( $asked ); echo wp_json_encode( $answer->get_data() );"""
        answer = json.loads(blog.run(f"{QUICKLY} wp_set_current_user( 0 ); {code}"))
        assert blog.status(answer["id"]) == expected, answer
        assert answer["status"] == ("approved" if expected == "1" else "hold")
        assert known(winnow, text)["external_id"] == str(answer["id"])


def what_an_event_publishes_in_the_readers_moment_is_published_for_the_reader(
    blog: Blog, winnow: Running
):
    """An event is at work on the comment when the reader's own answer comes: that waits until it is done."""
    file = blog.root / "wp-content" / "mu-plugins" / "moment.php"
    file.write_text(f"""<?php
        $wait = function ( $for ) {{
            $end = time() + {PATIENCE_SECONDS:.0f};
            while ( ! file_exists( "{blog.home}/$for" ) && time() < $end ) {{ usleep( 10000 ); clearstatcache(); }}
        }};
        if ( 'cli' === PHP_SAPI ) {{
            add_filter( 'http_response', function ( $answer, $arguments, $url ) use ( $wait ) {{
                if ( str_ends_with( $url, '/v1/comments' ) ) {{ $wait( 'noted' ); touch( '{blog.home}/answered' ); }}
                return $answer;
            }}, 10, 3 );
        }} else {{
            foreach ( array( 'added', 'updated' ) as $what ) {{
                add_action( "{{$what}}_comment_meta", function ( $row, $comment, $key, $value ) use ( $wait ) {{
                    if ( '_winnow_state' !== $key || 'approved' !== $value ) {{ return; }}
                    touch( '{blog.home}/noted' ); $wait( 'answered' ); usleep( 500000 );
                }}, 10, 4 );
            }}
        }}""")
    blog.mails()
    text = "A pinch of nutmeg is what was missing."
    code = f"echo wp_new_comment( array( {BY_ADA}, 'comment_content' => '{text}' ) );"
    try:
        comment = int(blog.run(f"{QUICKLY} wp_set_current_user( 0 ); {code}"))
    finally:
        file.unlink()
    assert "Please moderate" not in blog.mails(), "what is published needs no moderator"
    assert blog.status(comment) == "1"
    assert blog.sql("SELECT COUNT(*) FROM wp_options WHERE option_name LIKE 'winnow%.lock'") == "0"


def staff_notes_and_imports_are_not_screened(blog: Blog, winnow: Running):
    before = len(everything(winnow))
    staff = f"echo wp_new_comment( array( {BY_ADA}, 'user_id' => 1, 'comment_content' => 'The editor on rutabaga.' ) );"
    assert blog.status(int(blog.run(f"{QUICKLY} wp_set_current_user( 1 ); {staff}"))) == "1"
    for kind in ("order_note", "comment"):
        insert = f"echo wp_insert_comment( array( {BY_ADA}, 'comment_type' => '{kind}', 'comment_content' => 'Inserted rutabaga.', 'comment_approved' => 1 ) );"
        assert blog.status(int(blog.run(insert))) == "1"
    assert len(everything(winnow)) == before


def everything(winnow: Running) -> dict[str, dict]:
    """Return every comment of the site, by the blog's id."""
    found, cursor = {}, ""
    while cursor is not None:
        page = winnow.ask("GET", f"/v1/comments?limit=200{cursor and f'&cursor={cursor}'}")[1]
        for one in page["items"]:
            if name := one["external_id"]:  # the first was none of the blog's
                assert name not in found, "twice"
                found[name] = one
        cursor = page["next"]
    return found


def what_the_blogs_own_rules_hold_only_a_person_publishes(blog: Blog, winnow: Running):
    blog.run("update_option( 'comment_moderation', '1' );")
    text = "Every comment of this blog is read by a person first."
    comment = blog.comment(text, "Careful")
    blog.run("update_option( 'comment_moderation', '' );")
    assert known(winnow, text)["status"] == "approved"
    blog.run(SCHEDULE)
    assert blog.status(comment) == "0"
    there = known(winnow, text)
    winnow.cli("decide", there["id"], "spam")
    becomes(blog, comment, "spam")
    winnow.cli("decide", there["id"], "approve")
    becomes(blog, comment, "1")


def the_receiver_refuses_thirty_forgeries(blog: Blog, winnow: Running):
    comment, there = held(blog, winnow, f"{HELD} With forged papers.", "Mallory")
    secret = blog.run(f"{OURS} echo Settings::secrets()[0];")
    path, now = hook_of(blog).removeprefix(blog.url), int(time.time())
    sequence = there["version"] + 1
    data = {
        "id": there["id"], "site_id": there["site_id"], "external_id": str(comment),
        "revision": 1, "sequence": sequence, "status": "approved",
        "comment": {"content": f"{HELD} With forged papers."},
    }  # fmt: skip
    body = json.dumps({"type": "comment.approved", "data": data}).encode()
    good = signed(secret, now, body)
    other = "whsec_" + base64.b64encode(b"x" * 32).decode()
    empty = "whsec_" + base64.b64encode(b"").decode()
    mac = good["webhook_signature"].split(" ")[1]
    forgeries = [
        (body, {}),
        (body, signed(other, now, body)),
        (body, signed(empty, now, body)),
        (body, signed(secret, now - 301, body)),
        (body, signed(secret, now + 400, body)),
        (body, signed(secret, 0, body)),
        (body + b" ", good),
        (body[:-1], good),
        (b"", good),
        (b"{}", good),
        (body.replace(b"approved", b"Approved"), good),
        (body, good | {"webhook_timestamp": str(now + 1)}),
        (body, good | {"webhook_timestamp": f"{now}.0"}),
        (body, good | {"webhook_timestamp": f" {now}x"}),
        (body, good | {"webhook_timestamp": "-1"}),
        (body, good | {"webhook_timestamp": ""}),
        (body, good | {"webhook_id": "evt_2"}),
        (body, good | {"webhook_id": ""}),
        (body, good | {"webhook_id": "evt.1"}),
        (body, good | {"webhook_id": "e" * 101}),
        (body, good | {"webhook_signature": ""}),
        (body, good | {"webhook_signature": "v1,"}),
        (body, good | {"webhook_signature": "v1"}),
        (body, good | {"webhook_signature": mac.removeprefix("v1,")}),
        (body, good | {"webhook_signature": mac.replace("v1,", "v2,")}),
        (body, good | {"webhook_signature": mac[:-1]}),
        (body, good | {"webhook_signature": mac.lower()}),
        (body, good | {"webhook_signature": "v1,AAAA " * 10 + mac}),
        (body, good | {"webhook_signature": "x" * 1001 + " " + mac}),
        (b"x" * 65_537, signed(secret, now, b"x" * 65_537)),
    ]
    assert len(forgeries) == 30
    for number, (sent, headers) in enumerate(forgeries):
        # WordPress itself answers 400 where the body is no JSON.
        assert blog.post(path, sent, **headers) in {400, 401}, number
        assert blog.status(comment) == "0", number
    # Signed, but about something else: taken, and nothing is done.
    for changes in ({"site_id": "other"}, {"sequence": 0}, {"external_id": "1x"}, {"id": "other"}):
        content = json.dumps({"type": "comment.approved", "data": data | changes}).encode()
        assert blog.post(path, content, **signed(secret, now, content)) == 204
    assert blog.status(comment) == "0"
    assert blog.post(path, body, **good) == 204
    assert blog.status(comment) == "1"
    late = json.dumps({"type": "comment.spam", "data": data | {"status": "spam"}}).encode()
    assert blog.post(path, late, **signed(secret, now, late)) == 204
    assert blog.status(comment) == "1", "a sequence that is no higher changes nothing"


def after_a_rotation_both_secrets_are_good_for_a_day(blog: Blog, winnow: Running):
    old = blog.run(f"{OURS} echo Settings::secrets()[0];")
    assert "There is a new secret" in submit(blog, "rotate")
    secrets = blog.run(f"{OURS} echo implode( ' ', Settings::secrets() );").split()
    assert old in secrets[1:], "a new one first"
    path, now = hook_of(blog).removeprefix(blog.url), int(time.time())
    body = b'{"type":"winnow.test","data":{}}'
    for secret in secrets[:2]:
        assert blog.post(path, body, **signed(secret, now, body)) == 204
    later = blog.run(f"{OURS} echo implode( ' ', Settings::secrets() );", days=2).split()
    assert later == secrets[:1]


def what_no_webhook_brought_the_feed_brings(blog: Blog, winnow: Running):
    text = f"{HELD} The webhook was lost."
    comment, there = held(blog, winnow, text, "Lost")
    blog.run(f"{OURS} Settings::change( array( 'secrets' => array() ) );")
    winnow.cli("decide", there["id"], "approve")
    wait_until(lambda: fed(winnow, there["id"]), message="the event in the feed")
    assert blog.status(comment) == "0"
    blog.run(SCHEDULE)
    assert blog.status(comment) == "1"
    assert "Connected" in submit(blog, "connect")


def fed(winnow: Running, comment_id: str) -> bool:
    """Say whether the feed has the approval of a comment."""
    after, found = "", False
    while True:
        page = winnow.ask("GET", f"/v1/events?limit=200{after and f'&after={after}'}")[1]
        found = found or any(
            one["type"] == "comment.approved" and one["data"]["id"] == comment_id
            for one in page["items"]
        )
        if not page["items"]:
            return found
        after = page["next"]


def while_winnow_is_away_nothing_is_published_and_nothing_is_lost(blog: Blog, winnow: Running):
    with winnow.away():
        first = blog.comment("Is anybody there to read this?", "Nobody")
        with watched(blog) as watch:
            others = [blog.comment(f"{HAM} Away, number {n}.", "Reader") for n in range(3)]
            spam = blog.comment(f"{SPAM} Away.", "Buy Pills")
            doubtful = blog.comment(f"{HELD} Away.", "Patience")
        times = watch.times()
        gaps = [later - earlier for earlier, later in pairwise(times)]
        assert all(gap >= 14 for gap in gaps), f"readers wait for what is away: {gaps}"
        everyone = [first, *others, spam, doubtful]
        assert [blog.status(one) for one in everyone] == ["0"] * 6
        for days in (1, 28, 60):
            blog.cron(days=days)
            assert [blog.status(one) for one in everyone] == ["0"] * 6, days
        assert "held until Winnow is back" in blog.get("/wp-admin/index.php")[1]
        blog.press("approvecomment", first, on="moderated")
        blog.press("spamcomment", others[0], on="moderated")

    def settled() -> bool:
        """Whether the schedule, however often it had to run, brought everything to both sides."""
        blog.run(SCHEDULE)
        return [blog.status(one) for one in everyone] == ["1", "spam", "1", "1", "spam", "0"]

    wait_until(settled, message="what waited")
    assert states(winnow, everyone) == [
        "approved", "spam", "approved", "approved", "spam", "flagged",
    ]  # fmt: skip
    decision = everything(winnow)[str(others[0])]["history"][-1]["by"]
    assert (decision["kind"], decision["name"]) == ("blog", ADMIN)


def states(winnow: Running, comments: list[int]) -> list[str]:
    """Return where comments stand in Winnow."""
    found = everything(winnow)
    return [found[str(one)]["status"] if str(one) in found else "missing" for one in comments]


def what_nobody_decides_is_held_after_28_days_too(blog: Blog, winnow: Running):
    comment, there = held(blog, winnow, f"{HELD} Nobody decides.", "Waiter")
    stub = """class Akismet { static function approval_fallback( $id ) { wp_set_comment_status( $id, 'approve' ); } }
        add_action( 'akismet_approval_fallback', array( 'Akismet', 'approval_fallback' ), 10, 3 );"""
    blog.run(f"{stub} do_action( 'akismet_approval_fallback', {comment} );", days=28)
    blog.cron(days=28)
    assert blog.status(comment) == "0"
    winnow.cli("decide", there["id"], "approve")
    becomes(blog, comment, "1")


def an_import_that_is_stopped_in_the_middle_stays_stopped(blog: Blog, winnow: Running):
    """Though the batch that runs is another request's, which read that the import runs."""
    inserted(blog, "Older", 450)
    with ThreadPoolExecutor(1) as pool, watched(blog, hold="/v1/history") as watch:
        pressed = pool.submit(imported, blog)
        wait_until(lambda: watch.asked("/v1/history") == 2, message="the second batch")
        assert "The import is stopped" in submit(blog, "stop")
        watch.let_go()
        pressed.result()
    stopped = history(blog)
    assert not stopped["running"], stopped
    assert 0 < stopped["new"] < 450, stopped


def a_thousand_old_comments_are_brought_in_batches_none_twice_and_none_lost(
    blog: Blog, winnow: Running
):
    """Winnow dies when a second batch is about to be sent, and the import goes on when it is back."""
    inserted(blog, "Old", 1000)
    with ThreadPoolExecutor(1) as pool, watched(blog, hold="/v1/history") as watch:
        pressed = pool.submit(imported, blog)
        wait_until(lambda: watch.asked("/v1/history") == 2, message="the second batch")
        first = history(blog)
        assert first["running"], first
        assert 0 < first["new"] < first["total"], first
        with winnow.away(winnow.kill):
            watch.let_go()
            pressed.result()
            assert history(blog)["error"], history(blog)
    for days in range(100):
        if not history(blog)["running"]:
            break
        blog.cron(days=days / 100)
    done = history(blog)
    assert not done["running"], done
    assert not done["error"], done
    old = {
        one["content"]: one
        for one in everything(winnow).values()
        if "Old comment" in one["content"]
    }
    assert len(old) == 1000, len(old)
    expected = ("approved", "flagged", "spam", "rejected")
    for n in range(1000):
        one = old[f'Old comment number {n} on beans and "soup".']
        assert one["status"] == expected[n % 4], one
        assert one["created_at"].startswith("2019-03-01"), one
    assert (
        blog.sql(
            "SELECT COUNT(*) FROM wp_comments WHERE comment_approved = '1' AND comment_author LIKE 'Old %'"
        )
        == "250"
    )
    assert "runs in the background" in submit(blog, "import")
    blog.run(f"{OURS} while ( History::status()['running'] ) {{ History::run( 5 ); }}")
    again = history(blog)
    assert (again["new"], again["refused"]) == (0, 0), again


def inserted(blog: Blog, name: str, count: int) -> None:
    """Insert comments of 2019 of all four statuses, which nobody screened."""
    blog.run(f"""for ( $n = 0; $n < {count}; $n++ ) {{ wp_insert_comment( array(
        'comment_post_ID' => 1, 'comment_author' => "{name} $n", 'comment_author_email' => "old$n@mail.example",
        'comment_content' => "{name} comment number $n on beans and \\\\\\"soup\\\\\\".", 'comment_date' => '2019-03-01 10:00:00',
        'comment_date_gmt' => '2019-03-01 10:00:00',
        'comment_approved' => array( '1', '0', 'spam', 'trash' )[ $n % 4 ] ) ); }}""")


def imported(blog: Blog) -> None:
    """Press the button, look at the page, which brings some batches, and bring the rest."""
    assert "runs in the background" in submit(blog, "import")
    blog.run(f"{OURS} History::run( 600 );")


def history(blog: Blog) -> dict:
    """Return how far the import is."""
    return json.loads(blog.run(f"{OURS} echo wp_json_encode( History::status() );"))


def wordpresss_tools_export_and_erase_what_winnow_keeps(blog: Blog, winnow: Running):
    text = "My own words, with my address on them."
    comment = blog.comment(text, "Subject")
    email = blog.sql(f"SELECT comment_author_email FROM wp_comments WHERE comment_ID = {comment}")
    tools = "require_once ABSPATH . 'wp-admin/includes/privacy-tools.php';"
    exported = blog.run(
        f"{tools} echo wp_json_encode( apply_filters( 'wp_privacy_personal_data_exporters', array() )['winnow']['callback']( '{email}', 1 ) );"
    )
    assert text in exported, exported
    erased = blog.run(f"""$all = apply_filters( 'wp_privacy_personal_data_erasers', array() );
        foreach ( $all as $one ) {{ echo wp_json_encode( $one['callback']( '{email}', 1 ) ), PHP_EOL; }}""")
    assert '"items_removed":true' in erased.splitlines()[0], erased
    found = [one for one in everything(winnow).values() if one["external_id"] == str(comment)]
    assert not found or found[0]["status"] == "erased", found
    blog.run(SCHEDULE)
    assert blog.status(comment) == "1", "WordPress's own eraser anonymises it; it stays where it is"
    assert "Winnow" in blog.get("/wp-admin/options-privacy.php?tab=policyguide")[1]


def the_command_line_says_how_things_stand(blog: Blog, winnow: Running):
    stub = "class WP_CLI { static function add_command() {} static function log( $s ) { echo $s, PHP_EOL; } static function success( $s ) { echo $s; } static function warning( $s ) { echo $s; } static function error( $s ) { echo 'ERROR ', $s; } }"
    load = f"require '{blog.root}/wp-content/plugins/winnow/includes/class-command.php'; $verbs = new Winnow\\Plugin\\Command();"
    printed = blog.run(f"{stub} {load} $verbs->status(); $verbs->check();")
    assert "Winnow answers: demo" in printed, printed
    assert "flagged:" in printed
    comment, _ = held(blog, winnow, f"{HELD} Look again.", "Again")
    assert f"{comment}: flagged" in blog.run(
        f"{stub} {load} $verbs->recheck( array( '{comment}' ) );"
    )


def php_has_complained_of_nothing(blog: Blog, winnow: Running):
    ours = [line for line in blog.complaints().splitlines() if "plugins/winnow/" in line]
    assert not ours, ours[:5]


def uninstalling_leaves_nothing_behind_and_publishes_nothing(blog: Blog, winnow: Running):
    waiting = blog.sql("SELECT COUNT(*) FROM wp_comments WHERE comment_approved = '0'")
    blog.run(
        "update_option( 'active_plugins', array() ); define( 'WP_UNINSTALL_PLUGIN', 'winnow/winnow.php' );"
        f"{OURS} $endpoint = Settings::all()['endpoint']; echo $endpoint;"
    )
    blog.run(
        f"define( 'WP_UNINSTALL_PLUGIN', 'winnow/winnow.php' ); require '{blog.root}/wp-content/plugins/winnow/uninstall.php';"
    )
    left = "SELECT (SELECT COUNT(*) FROM wp_commentmeta WHERE meta_key LIKE '%winnow%') + (SELECT COUNT(*) FROM wp_options WHERE option_name LIKE '%winnow%' AND option_name NOT LIKE '%winnow_said%')"
    assert blog.sql(left) == "0", blog.sql(
        "SELECT option_name FROM wp_options WHERE option_name LIKE '%winnow%'"
    )
    assert "winnow" not in blog.sql(
        "SELECT option_value FROM wp_options WHERE option_name = 'cron'"
    )
    assert blog.sql("SELECT COUNT(*) FROM wp_comments WHERE comment_approved = '0'") == waiting
    assert winnow.ask("GET", "/v1/endpoints")[1]["items"] == []


CLAIMS: list[Callable[[Blog, Running], None]] = [
    without_settings_the_plugin_changes_nothing,
    a_wrong_key_and_a_wrong_address_are_said_in_words,
    the_page_warns_of_an_unencrypted_address_outside_this_machine,
    saving_address_and_key_connects_and_no_secret_is_copied,
    where_winnow_may_not_reach_the_blog_the_page_says_what_to_run,
    ham_is_published_within_the_readers_request,
    spam_is_spam,
    a_held_comment_appears_when_the_moderator_approves_it_at_the_desk,
    a_text_changed_at_the_desk_is_what_is_published,
    a_reply_at_the_desk_is_published_once_under_its_comment,
    a_reply_that_webhook_and_feed_bring_at_once_is_published_once,
    a_held_comment_goes_where_the_desk_sends_it,
    what_winnow_takes_back_is_taken_back,
    the_list_says_why_a_comment_is_held_and_links_to_the_desk,
    approve_spam_and_trash_in_wordpress_are_decisions_in_winnow,
    a_change_of_mind_in_wordpress_stands_and_no_echo_undoes_it,
    a_moderators_edit_is_a_revision_and_a_decision,
    a_readers_edit_is_held_and_screened_anew,
    reviews_pingbacks_and_the_rest_api_are_screened,
    what_an_event_publishes_in_the_readers_moment_is_published_for_the_reader,
    staff_notes_and_imports_are_not_screened,
    what_the_blogs_own_rules_hold_only_a_person_publishes,
    the_receiver_refuses_thirty_forgeries,
    after_a_rotation_both_secrets_are_good_for_a_day,
    what_no_webhook_brought_the_feed_brings,
    while_winnow_is_away_nothing_is_published_and_nothing_is_lost,
    what_nobody_decides_is_held_after_28_days_too,
    an_import_that_is_stopped_in_the_middle_stays_stopped,
    a_thousand_old_comments_are_brought_in_batches_none_twice_and_none_lost,
    wordpresss_tools_export_and_erase_what_winnow_keeps,
    the_command_line_says_how_things_stand,
    php_has_complained_of_nothing,
    uninstalling_leaves_nothing_behind_and_publishes_nothing,
]
