"""A small data directory of made-up comments, in the form of the real one."""

import gzip
import json
import sys
from pathlib import Path

import pytest

from models import artifacts, augmentation, datasets, training
from models.encoder import Encoder
from models.scorer import Scorer

sys.path.insert(0, str(Path(__file__).parent))

SMALL = training.Recipe(own=0, own_english=20)
JIGSAW = ("toxic", "severe_toxic", "obscene", "threat", "insult", "identity_attack")


def rows(source, labels, examples, **more):
    for number, one in enumerate(examples):
        given = {label: int(one.labels.get(label, one.labels["toxicity"])) for label in labels}
        if "toxic" in labels:
            given["toxic"] = int(one.labels["toxicity"])
        if "spam" in labels:
            given = {"spam": int(one.labels["spam"])}
        yield {
            "id": f"{source}-{number}",
            "text": one.text,
            "source": source,
            "lang": "en",
            "labels": given,
            "author": one.author_name,
            **more,
        }


def write(path, lines):
    path.parent.mkdir(exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """Return a directory with a few hundred comments of five sources."""
    directory = tmp_path_factory.mktemp("data")
    drawn = augmentation.generated(60, seed=7).examples
    spam = [one for one in drawn if one.labels["spam"]]
    good = [one for one in drawn if not any(one.labels.values())]
    bad = [one for one in drawn if one.labels["toxicity"]]
    write(
        directory / "spam/blog_haacked_ham.jsonl.gz", rows("blog_haacked_ham", ["spam"], good[::3])
    )
    blog = "blog_caffeinated_simpleton"
    write(directory / f"spam/{blog}.jsonl.gz", rows(blog, ["spam"], [*spam[::2], *good[1:30:3]]))
    tube = "youtube_spam_collection"
    write(directory / f"spam/{tube}.jsonl.gz", rows(tube, ["spam"], [*spam[1::2], *good[1::6]]))
    wiki = [*good[2::3], *bad[::2]]
    write(
        directory / "toxicity/jigsaw_wiki_raw.jsonl.gz",
        rows("jigsaw_wiki_raw", JIGSAW, wiki, sample="natural", split="train"),
    )
    rude = [*good[4::6], *bad[1::2]]
    write(
        directory / "toxicity/olid_tweets.jsonl.gz",
        rows("olid_tweets", ["toxic"], rude, split="train"),
    )
    write(
        directory / "toxicity/unhealthy_comments.jsonl.gz",
        rows("unhealthy_comments", ["toxic", "insult"], rude[::3], split="test"),
    )
    return directory


@pytest.fixture(scope="session")
def corpus(data):
    return datasets.load(data)


@pytest.fixture(scope="session")
def encoder():
    """Return the shipped encoder."""
    return Encoder.load()


@pytest.fixture(scope="session")
def shipped():
    """Return the shipped artifact, for tests of files and verbs, which need no training."""
    return artifacts.load()


@pytest.fixture(scope="session")
def small(corpus, encoder):
    """Return an artifact trained on the small data in seconds."""
    return training.train(corpus, encoder, SMALL)


@pytest.fixture(scope="session")
def scorer():
    """Return the shipped model."""
    return Scorer.load()
