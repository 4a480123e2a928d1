"""The desk without a browser: who may see what, and what a form does."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from markupsafe import Markup

from models.explain import Explanation, Span
from models.scorer import Item
from moderation.actor import moderator
from moderation.comment import Author, Decision, Draft, Status
from moderation.delivery import DeliveryState
from moderation.endpoint import Endpoint
from moderation.records import Order
from service.desk import base, queue
from tests.support.actors import ADA, BLOG
from tests.support.world import PASSWORD, PlainModel, World


def sign_in(world: World, name: str, password: str = PASSWORD) -> FlaskClient:
    client = world.client()
    page = client.get("/desk/sign-in").text
    client.post(
        "/desk/sign-in", data={"name": name, "password": password, "csrf_token": token(page)}
    )
    return client


def token(page: str) -> str:
    return re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)[1]


@pytest.fixture
def admin(world: World) -> FlaskClient:
    world.add_moderator("ada", admin=True)
    return sign_in(world, "ada")


def decide(client: FlaskClient, comment_id: str, decision: str, **more: str):
    page = client.get("/desk/queue").text
    form = {"id": comment_id, "decision": decision, "csrf_token": token(page), **more}
    return client.post("/desk/decide", data=form, follow_redirects=True)


def test_a_stranger_is_led_to_the_sign_in_page(world: World):
    answer = world.client().get("/desk/queue")
    assert answer.status_code == 302
    assert "/desk/sign-in" in answer.headers["Location"]


def test_a_wrong_password_lets_nobody_in(world: World):
    world.add_moderator("ada", admin=True)
    client = sign_in(world, "ada", "wrong password!")
    assert client.get("/desk/queue").status_code == 302


def test_sign_ins_are_limited_for_each_name(world: World):
    world.add_moderator("ada")
    limiter = world.app.extensions["winnow_sign_in_limiter"]
    world.app.extensions["winnow_sign_in_limiter"] = type(limiter).of(
        "3/minute", world.adapters.redis
    )
    client = world.client()
    form = {"name": "ada", "password": "wrong password!"}
    form["csrf_token"] = token(client.get("/desk/sign-in").text)
    answers = [client.post("/desk/sign-in", data=form).status_code for _ in range(5)]
    assert answers[:3] == [401, 401, 401]
    assert answers[3:] == [429, 429]


def test_nobody_is_sent_to_another_host_after_signing_in(world: World):
    world.add_moderator("ada")
    client = world.client()
    for target in ("https://evil.example/desk/", "//evil.example/desk/", "/desk/..\\evil"):
        form = {"name": "ada", "password": PASSWORD}
        form["csrf_token"] = token(client.get("/desk/sign-in").text)
        answer = client.post("/desk/sign-in", query_string={"next": target}, data=form)
        assert answer.headers["Location"] == "/desk/queue"


def test_a_changed_password_ends_every_session(world: World, admin: FlaskClient):
    other = sign_in(world, "ada")
    world.adapters.accounts.set_password("ada", "another good password", by=ADA, now_ms=1)
    assert other.get("/desk/queue").status_code == 302
    assert admin.get("/desk/queue").status_code == 302


def test_the_queue_shows_why_a_comment_is_held(world: World, admin: FlaskClient):
    world.comment("toxicity=0.6 <b>bold</b>")
    page = admin.get("/desk/queue").text
    assert "60 % likely toxic; held from 50 %" in page
    assert "&lt;b&gt;bold&lt;/b&gt;" in page
    assert "<b>bold" not in page


@pytest.mark.parametrize(
    "decision, status", [("approve", "approved"), ("reject", "rejected"), ("spam", "spam")]
)
def test_a_form_decides_and_the_decision_can_be_undone(
    world: World, admin: FlaskClient, decision: str, status: str
):
    comment = world.comment("toxicity=0.6")
    page = decide(admin, f"{comment.id}:{comment.version}", decision).text
    assert world.adapters.comments.get(comment.id).status == status
    answer = admin.post("/desk/undo", data={"csrf_token": token(page)}, follow_redirects=True)
    assert "Undone: 1" in answer.text
    assert world.adapters.comments.get(comment.id).status is Status.FLAGGED


def test_a_stale_decision_says_who_decided_meanwhile(world: World, admin: FlaskClient):
    world.add_moderator("eve", admin=True)
    comment = world.comment("toxicity=0.6")
    other = world.comment("toxicity=0.6 other")
    seen = f"{comment.id}:{comment.version}"
    decide(sign_in(world, "eve"), seen, "approve")
    page = decide(admin, seen, "spam").text
    assert "eve made it approved" in page
    assert world.adapters.comments.get(comment.id).status == "approved"
    assert world.adapters.comments.get(other.id).status == "flagged"


def test_a_form_without_our_token_changes_nothing(world: World, admin: FlaskClient):
    comment = world.comment("toxicity=0.6")
    form = {"id": comment.id, "decision": "approve"}
    assert admin.post("/desk/decide", data=form).status_code == 400
    assert world.adapters.comments.get(comment.id).status == "flagged"


def test_a_moderator_neither_sees_nor_touches_another_site_by_any_route(world: World):
    """Walks every route of the desk as a moderator of another site, and as nobody."""
    other = world.adapters.accounts.add_site("other", now_ms=1)
    world.add_moderator("bob", sites=[other.id])
    comment = world.comment("toxicity=0.6 a private secret")
    world.comment("toxicity=0.6 mine", site=other)
    client = sign_in(world, "bob")
    csrf = token(client.get("/desk/queue").text)
    fill = {
        "token": "Ym9i.made-up", "comment_id": comment.id, "site_id": world.site.id, "endpoint_id": comment.id,
        "filename": "desk.css", "line_id": "1-1", "clean_up_id": "none", "erasure_id": "none",
    }  # fmt: skip
    for rule in world.app.url_map.iter_rules():
        if not rule.endpoint.startswith("desk.") or rule.endpoint in {
            "desk.static", "desk.sign_in", "desk.sign_out", "desk.password", "desk.lost_password",
        }:  # fmt: skip
            continue
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda name: fill[name[1]], rule.rule)
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            form = {"csrf_token": csrf, "id": comment.id, "decision": "approve", "next": ""}
            query = {"site": world.site.id}
            asked = {"query_string": query} | ({"data": form} if method == "POST" else {})
            answer = client.open(path, method=method, follow_redirects=False, **asked)
            assert "a private secret" not in answer.text, rule
            stranger = world.client().open(path, method=method, **asked)
            assert stranger.status_code in {302, 400, 404}, rule
            assert "a private secret" not in stranger.text, rule
    assert world.adapters.comments.get(comment.id).status == "flagged"


def test_only_an_admin_changes_a_policy(world: World):
    world.add_moderator("bob", sites=[world.site.id])
    client = sign_in(world, "bob")
    path = f"/desk/sites/{world.site.id}/settings"
    assert client.get(path).status_code == 403


def test_what_if_says_what_would_change_before_anything_is_saved(world: World, admin: FlaskClient):
    for n in range(3):
        world.comment(f"toxicity=0.4 number {n}")
    path = f"/desk/sites/{world.site.id}/settings"
    form = {"csrf_token": token(admin.get(path).text), "mode": "hold-doubtful"}
    form |= {"flag_at_toxicity": "30", "spot_checks": "0", "learning": "suggest", "act": "preview"}
    form["seen"] = re.search(r'name="seen" value="([^"]+)"', admin.get(path).text)[1]
    page = admin.post(path, data=form).text
    assert "3: approved → flagged" in page
    assert world.adapters.accounts.site(world.site.id).policy.flag_at == {}
    form["previewed"] = re.search(r'name="previewed" value="([^"]+)"', page)[1]
    admin.post(path, data=form | {"act": "save"})
    assert world.adapters.accounts.site(world.site.id).policy.flag_at == {"toxicity": 0.3}
    assert world.comment("toxicity=0.4 more").status == "flagged"


def test_a_bulk_action_shows_what_it_would_hit_first(world: World, admin: FlaskClient):
    for n in range(3):
        world.comment(f"toxicity=0.6 see http://bad.example/{n}")
    world.comment("toxicity=0.6 innocent")
    path = f"/desk/bulk?site={world.site.id}&kind=domain&value=bad.example"
    assert "<b>3</b> waiting comments" in admin.get(path).text


def test_a_bulk_action_finds_whom_it_is_about_behind_all_else_that_waits(
    world: World, admin: FlaskClient, monkeypatch: pytest.MonkeyPatch
):
    """And says where it lists only some."""
    monkeypatch.setattr(queue, "SCANNED", 20)
    monkeypatch.setattr(queue, "PREVIEWED", 2)
    bee = Author("Bee", "bee@mail.example")
    for n in range(3):
        world.submit(f"toxicity=0.6 see http://bad.example/{n}", author=bee)
    world.submit(*[f"toxicity=0.6 innocent {n}" for n in range(40)])
    world.submit(*[f"approved {n}" for n in range(4)], author=bee)
    world.screen()
    for asked in ("kind=domain&value=bad.example", "kind=author&value=bee@mail.example"):
        page = admin.get(f"/desk/bulk?site={world.site.id}&{asked}").text
        assert "<b>2</b> waiting comments" in page
        assert "There may be more" in page
    page = admin.get(f"/desk/bulk?site={world.site.id}&kind=domain&value=bad").text
    assert "<b>0</b> waiting comments" in page
    assert "There may be more" not in page


def test_all_of_an_authors_are_not_those_that_the_blog_gave_another_since(
    world: World, admin: FlaskClient
):
    """Or who approves all of a regular's publishes a stranger's."""
    adapters = world.adapters
    comment = world.comment("toxicity=0.6", email="bee@mail.example")
    adapters.review(comment.id, Decision.APPROVE, by=ADA)
    newer = Draft("toxicity=0.6 says another", Author("Eve", "eve@mail.example"))
    adapters.edit(comment.id, newer, by=BLOG)
    world.screen()
    for email, number in (("bee@mail.example", 0), ("eve@mail.example", 1)):
        path = f"/desk/bulk?site={world.site.id}&kind=author&value={email}"
        assert f"<b>{number}</b> waiting comment" in admin.get(path).text


@pytest.mark.parametrize("order", list(Order))
def test_pages_of_a_filter_have_as_many_cards_as_others_and_leave_none_out(
    world: World, admin: FlaskClient, order: Order
):
    world.submit(*[f"toxicity=0.6 apple {n}" for n in range(40)])
    world.submit(*[f"toxicity=0.6 pear {n}" for n in range(40)])
    world.screen()
    path, pages = f"/desk/queue?site={world.site.id}&q=apple&order={order}", []
    while True:
        page = admin.get(path).text
        pages.append(re.findall(r"toxicity=0.6 (apple \d+)<", page))
        following = re.search(r'href="([^"]*cursor=[^"]*)"', page)
        if not following:
            break
        path = following[1].replace("&amp;", "&")
    assert [len(set(one)) for one in pages] == [30, 10]
    assert len({text for one in pages for text in one}) == 40


def test_every_letter_of_a_text_is_escaped_and_what_is_unseen_is_named():
    assert base.shown("<b>\u200bü\n") == (
        '&lt;b&gt;<span class="unseen" title="zero width space">200B</span>ü\n'
    )
    assert base.shown(Markup("<b>")) == base.shown("<b>") == "&lt;b&gt;"


def test_a_spammed_domain_can_be_blocked_with_it(world: World, admin: FlaskClient):
    ids = [one.id for one in world.submit("spam=0.6 http://pills.example/ a", "spam=0.6 b")]
    world.screen()
    asked = f"/desk/bulk?site={world.site.id}&kind=domain&value=pills.example"
    page = admin.get(asked).text
    assert "1</b> waiting comment." in page
    assert 'name="block" value="pills.example"' in page
    decide(admin, ids[0], "spam", site=world.site.id, block="pills.example")
    assert world.adapters.comments.get(ids[0]).status == "spam"
    site = world.adapters.accounts.site(world.site.id)
    assert site.policy.blocked_domains == ("pills.example",)
    assert 'name="block"' not in admin.get(asked).text, "it is blocked already"


def test_a_moderator_who_is_no_admin_blocks_nothing(world: World):
    world.add_moderator("bob", sites=[world.site.id])
    comment = world.comment("spam=0.6 http://pills.example/ a")
    answer = decide(
        sign_in(world, "bob"), comment.id, "spam", site=world.site.id, block="pills.example"
    )
    assert answer.status_code == 403
    assert world.adapters.comments.get(comment.id).status == "flagged"


def test_the_queue_is_filtered_by_reason(world: World, admin: FlaskClient):
    world.submit("toxicity=0.6 rude words", "spam=0.6 cheap things")
    world.screen()
    page = admin.get(f"/desk/queue?site={world.site.id}&why=spam").text
    assert "cheap things" in page
    assert "rude words" not in page


def test_a_comments_page_lists_who_else_sent_nearly_the_same(world: World, admin: FlaskClient):
    text = "toxicity=0.6 the very same advertisement for something that nobody needs"
    for name in ("Bob", "Cy", "Dan"):
        world.submit(text, author=Author(name, f"{name}@mail.example"))
    world.submit("unlike")
    world.screen()
    *_, first = world.adapters.comments.recent(world.site.id).items
    _, last, second, _ = world.adapters.comments.recent(world.site.id).items
    world.adapters.comments.erase(second.id, by=BLOG, now_ms=world.adapters.clock.now_ms())
    page = admin.get(f"/desk/comments/{last.id}").text
    assert "2 other author(s) sent nearly the same" in page
    listed = page.partition('<ul class="others">')[2].partition("</ul>")[0]
    assert ">Bob</a>" in listed
    assert re.findall(r"/desk/comments/([\w-]+)", listed) == [second.id, first.id]
    assert "erased" in listed
    assert "Cy" not in listed


def test_a_text_that_is_cut_ends_with_an_ellipsis(world: World, admin: FlaskClient):
    held = world.submit("toxicity=0.8 " + "word " * 40)[0]
    world.screen()
    decide(admin, held.id, "approve")
    overview = admin.get("/desk/overview").text
    assert "word w…</a>" in overview
    assert base.cut("one two", 7) == "one two"
    assert base.cut("one two three", 8) == "one two…"


def test_a_comment_that_never_was_is_a_page_that_says_so(admin: FlaskClient):
    answer = admin.get("/desk/comments/nonsense")
    assert (answer.status_code, "there is no comment" in answer.text) == (404, True)


def test_every_page_forbids_inline_script_and_foreign_assets(world: World, admin: FlaskClient):
    world.comment("toxicity=0.6")
    for path in ("/desk/queue", "/desk/comments", "/desk/overview", "/desk/model", "/desk/audit"):
        answer = admin.get(path)
        assert answer.status_code == 200, path
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert not re.search(r"<script(?![^>]*src=)|\son\w+=|style=|https?://", answer.text), path
        assert len(answer.data) < 100_000


def test_the_delivery_log_is_searched_and_what_failed_is_sent_again(
    world: World, admin: FlaskClient
):
    adapters = world.adapters
    endpoint = adapters.accounts.add_endpoint(
        Endpoint("", world.site.id, "https://blog.example/hook"), by=moderator("test"), now_ms=1
    )
    comment = world.comment("hello")
    now = adapters.clock.now_ms()
    adapters.deliveries.fan_out(world.site.id, [endpoint], now_ms=now)
    (leased,) = adapters.deliveries.lease(0, "a:1", most=5, lease_ms=1000, now_ms=now)
    attempt = {"at": now, "status": 500, "error": "answered 500"}
    adapters.deliveries.finish(leased, DeliveryState.FAILED, attempt=attempt, now_ms=now)
    path = f"/desk/sites/{world.site.id}/webhooks"
    page = admin.get(path, query_string={"state": "failed", "comment": comment.id}).text
    assert "answered 500" in page
    assert "answered 500" not in admin.get(path, query_string={"state": "delivered"}).text
    again = f"/desk/endpoints/{endpoint.id}/redeliver-failed"
    answer = admin.post(again, data={"csrf_token": token(page), "days": "2"}, follow_redirects=True)
    assert "1 failed deliveries are due again" in answer.text
    assert adapters.deliveries.waiting(endpoint) == 1


class Marking(PlainModel):
    """Marks the whole comment, whatever it is asked about."""

    def explain(self, item: Item, label: str) -> Explanation:
        spans = (Span(0, len(item.content), 2.0),)
        return Explanation(label, 0.9, spans, (), ())


@pytest.mark.parametrize("text, marked", [("a spam=0.7 word", True), ("a Muslim reader", False)])
def test_words_are_marked_only_where_the_model_led_to_the_verdict(
    world: World, text: str, marked: bool
):
    """A comment that a rule held has no word that mattered: none may look as if it did."""
    adapters = world.adapters
    change = replace(world.site, policy=replace(world.site.policy, hold_first_comment=True))
    adapters.accounts.save_site(change, was=world.site, by=ADA, now_ms=1)
    world.app.extensions["winnow"] = replace(world.app.extensions["winnow"], current=Marking)
    comment = world.comment(text)
    assert comment.status is Status.FLAGGED
    world.add_moderator("ada", admin=True)
    page = sign_in(world, "ada").get(f"/desk/comments/{comment.id}").text
    assert ("<mark" in page) is marked


@pytest.mark.parametrize("path", ["/desk/nope", "/desk/sites/nope/nope", "/desk/decide"])
def test_a_browser_gets_a_page_where_there_is_none(admin: FlaskClient, path: str):
    answer = admin.get(path)
    assert answer.status_code in {404, 405}
    assert answer.mimetype == "text/html"
    assert "There is no such page" in answer.text


def test_whatever_flask_refuses_is_a_page_too(admin: FlaskClient):
    csrf = token(admin.get("/desk/password").text)
    answer = admin.post("/desk/decide", data={"csrf_token": csrf, "decision": "dance"})
    assert (answer.status_code, answer.mimetype) == (400, "text/html")


def test_what_programs_ask_for_in_vain_stays_json(world: World):
    assert world.ask("GET", "/v1/nope").mimetype == "application/problem+json"


def test_a_name_that_stacks_marks_is_not_painted_over_its_neighbours():
    assert base.shown("Zoe\u0301 ក្រុម นี้") == "Zoe\u0301 ក្រុម นี้"
    stacked = base.shown("<Z" + "\u0301" * 150 + "oe")
    assert stacked == "&lt;Z" + "\u0301" * 8 + '<span class="unseen">+142</span>oe'


def test_an_empty_queue_leads_to_the_first_steps_only_before_the_first_comment(
    world: World, admin: FlaskClient
):
    before = admin.get("/desk/queue").text
    assert "No comment has come yet." in before
    assert f"/desk/sites/{world.site.id}/start" in before
    world.comment("kind words")
    after = admin.get("/desk/queue").text
    assert "All done." in after
    assert f"/desk/sites/{world.site.id}/start" not in after


def test_the_overview_draws_no_empty_chart(world: World, admin: FlaskClient):
    assert "No comments came." in admin.get("/desk/overview").text
    world.comment("kind words")
    page = admin.get("/desk/overview").text
    assert "No comments came." not in page
    assert 'class="chart"' in page
