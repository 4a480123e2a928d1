"""import: comments from before Winnow; a second import finds them, and no event announces them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from moderation.actor import IMPORT
from moderation.comment import Decision, Status
from moderation.insight import what_if
from moderation.policy import Policy, Thresholds
from tests.support.actors import ADA

FIXTURES = Path(__file__).parents[1] / "importers"


@pytest.fixture
def site(run, adapters):
    run("site", "add", "garden")
    return adapters.accounts.site("garden")


@pytest.fixture
def bring_in(run):
    """Import a file and return what the verb answers; `code` is the exit status it must have."""

    def bring_in(kind: str, file: Path, *more: str, code: int = 0):
        printed = run("import", kind, str(file), "--site", "garden", "--json", *more, code=code)
        return json.loads(printed.stdout)

    return bring_in


def test_decided_comments_are_settled_and_kept_to_learn_from(bring_in, adapters, site):
    report = bring_in("wordpress", FIXTURES / "wordpress.xml", code=3)
    assert report == {"new": 4, "same": 0, "not_taken": 4, "not_whole": 0}
    spam = adapters.comments.find(site.id, "14")
    assert (spam.status, spam.created_at.year, spam.history[-1].by) == (
        Status.SPAM, 2024, IMPORT,
    )  # fmt: skip
    assert spam.scores is not None, "what-if works on scores"
    kept = adapters.comments.decisions(site.id)
    assert [(one.decision, one.by) for one in kept] == [
        (Decision.REJECT, IMPORT), (Decision.SPAM, IMPORT), (Decision.APPROVE, IMPORT),
    ]  # fmt: skip
    assert kept[1].draft.author.name == "Pills"
    assert kept[1].scores == spam.scores


def test_what_nobody_had_decided_waits_for_a_moderator_here(bring_in, adapters, site):
    bring_in("wordpress", FIXTURES / "wordpress.xml", code=3)
    (waiting,) = adapters.comments.queue(site.id).items
    assert (waiting.draft.external_id, waiting.status) == ("12", Status.FLAGGED)
    adapters.review(waiting.id, Decision.APPROVE, by=ADA, hold_seconds=0)  # fmt: skip
    adapters.comments.release(0, now_ms=adapters.clock.now_ms())
    assert [one.type for one in adapters.comments.events(site.id)] == ["comment.approved"]


def test_an_import_tells_nobody_and_wakes_no_worker(bring_in, adapters, site):
    bring_in("wordpress", FIXTURES / "wordpress.xml", code=3)
    assert adapters.comments.events(site.id) == []
    assert not adapters.comments.has_work(0)


def test_the_same_file_again_adds_nothing(bring_in, adapters, site):
    bring_in("disqus", FIXTURES / "disqus.xml")
    before = adapters.comments.counts(site.id)
    again = bring_in("disqus", FIXTURES / "disqus.xml")
    assert again == {"new": 0, "same": 3, "not_taken": 1, "not_whole": 1}
    assert adapters.comments.counts(site.id) == before


def test_an_import_that_broke_off_goes_on_where_it_stopped(bring_in, run, adapters, site, tmp_path):
    whole = (FIXTURES / "wordpress.xml").read_bytes()
    half = tmp_path / "half.xml"
    half.write_bytes(whole[: whole.index(b"<title>Leeks")])
    said = run("import", "wordpress", str(half), "--site", "garden", code=3)
    assert "end of the file (line 58): the file is cut off" in said.stderr
    assert adapters.comments.counts(site.id)["approved"] == 1, "what stood before is in"
    assert "2 taken" in said.stdout
    assert bring_in("wordpress", FIXTURES / "wordpress.xml", code=3)["new"] == 2


def test_a_comment_that_says_something_else_by_now_is_listed_and_not_replaced(
    bring_in, run, adapters, site, tmp_path
):
    line = {"external_id": "1", "content": "as it was", "status": "approved"}
    line["created_at"] = "2024-05-01T10:00:00Z"
    file = tmp_path / "lines.jsonl"
    file.write_text(json.dumps(line))
    bring_in("jsonl", file)
    file.write_text(json.dumps({**line, "content": "as it is"}))
    result = run("import", "jsonl", str(file), "--site", "garden", code=3)
    assert result.stdout == "0 taken, 0 here already, 1 not taken\n"
    assert "line 1: is here already, and says something else" in result.stderr
    assert adapters.comments.find(site.id, "1").content == "as it was"


def test_rejects_are_all_written_though_few_are_shown(run, site, tmp_path):
    file, rejects = tmp_path / "bad.jsonl", tmp_path / "rejects.jsonl"
    file.write_text("nonsense\n" * 25)
    result = run(
        "import",
        "jsonl",
        str(file),
        "--site",
        "garden",
        "--rejects",
        str(rejects),
        "--json",
        code=3,
    )
    assert json.loads(result.stdout)["not_taken"] == 25
    assert result.stderr.count("not JSON") == 10
    assert "--rejects FILE lists them all" in result.stderr
    answer = [json.loads(line) for line in rejects.read_text().splitlines()]
    assert len(answer) == 25
    assert answer[24] == {"where": "line 25", "line": 25, "reason": "not JSON", "taken": False}


def test_a_gzipped_export_is_read_and_a_damaged_one_says_so(bring_in, run, site, tmp_path):
    packed = gzip.compress((FIXTURES / "disqus.xml").read_bytes())
    (tmp_path / "export.xml.gz").write_bytes(packed)
    assert bring_in("disqus", tmp_path / "export.xml.gz")["new"] == 3
    (tmp_path / "broken.gz").write_bytes(packed[:-20])
    said = run("import", "disqus", str(tmp_path / "broken.gz"), "--site", "garden", code=3)
    assert "the gzip file is damaged from there on" in said.stderr


def test_a_dry_run_says_what_would_become_of_a_file_and_keeps_nothing(
    bring_in, run, adapters, site
):
    report = bring_in("wordpress", FIXTURES / "wordpress.xml", "--dry-run", code=3)
    assert report == {"new": 4, "same": 0, "not_taken": 4, "not_whole": 0}
    assert not any(adapters.comments.counts(site.id).values())
    bring_in("wordpress", FIXTURES / "wordpress.xml", code=3)
    report = bring_in("wordpress", FIXTURES / "wordpress.xml", "--dry-run", code=3)
    assert (report["new"], report["same"]) == (0, 4)
    shown = run("import", "disqus", str(FIXTURES / "disqus.xml"), "--site", "garden", "--dry-run")
    assert shown.stdout.startswith("3 would be taken, 0 here already, 1 not taken")


def test_only_what_should_have_been_taken_makes_the_status_3(bring_in, site, tmp_path):
    whole = (FIXTURES / "wordpress.xml").read_bytes()
    clean = whole[: whole.index(b"\t<item>\n\t\t<title>Leeks")] + b"</channel></rss>"
    (tmp_path / "pingback.xml").write_bytes(clean)
    assert bring_in("wordpress", tmp_path / "pingback.xml", code=0)["not_taken"] == 1
    (tmp_path / "broken.xml").write_bytes(clean.replace(b"</wp:comment_id>", b"", 1))
    assert bring_in("wordpress", tmp_path / "broken.xml", code=3)["not_taken"] == 2


def test_what_was_lost_of_a_comment_is_listed_with_its_line(run, adapters, site, tmp_path):
    whole = (FIXTURES / "wordpress.xml").read_bytes()
    (tmp_path / "control.xml").write_bytes(whole.replace(b"Mine came up", b"Mine\x08 came up"))
    rejects = tmp_path / "rejects.jsonl"
    run("import", "wordpress", str(tmp_path / "control.xml"), "--site", "garden",
        "--rejects", str(rejects), code=3)  # fmt: skip
    answer = [json.loads(line) for line in rejects.read_text().splitlines()]
    assert next(one for one in answer if one["where"] == "comment 11") == {
        "where": "comment 11", "line": 21, "taken": True,
        "reason": "1 unreadable character replaced or left out",
    }  # fmt: skip
    assert adapters.comments.find(site.id, "11").content.startswith("Mine came up")


def test_history_answers_what_another_policy_would_have_done(bring_in, adapters, site):
    bring_in("wordpress", FIXTURES / "wordpress.xml", code=3)
    past = adapters.comments.recent(site.id).items
    assert [one.draft.external_id for one in past] == ["15", "14", "12", "11"]
    everything = {"spam": 0.0, "toxicity": 0.0}
    bars = Thresholds({"spam": 0.5, "toxicity": 0.5}, {"spam": 0.9, "toxicity": 0.9})
    outlook = what_if(past, Policy(), Policy(flag_at=everything), bars)
    assert (outlook.looked_at, outlook.decided) == (4, 3)


def test_an_unknown_site_is_one_sentence(run, tmp_path):
    said = run("import", "disqus", str(FIXTURES / "disqus.xml"), "--site", "nowhere", code=1).stderr
    assert said.startswith("Error: ")
