"""What most would write first: one RQ job for each comment, which scores it and keeps the verdict."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from functools import cache

import redis
from rq import Queue, SimpleWorker, Worker
from rq.job import Job

from models.scorer import Item, Scorer
from moderation.workflow.screening import Limits

NAME = "peer"


@cache
def scorer(*, encoder: bool = True) -> Scorer:
    """Return the scorer, loaded once in a process and shared with its children."""
    return Scorer.load(encoder=encoder)


def scored(texts: Sequence[str], *, encoder: bool) -> None:
    """Score *texts* in batches of a worker's size, and nothing else."""
    size = Limits().batch
    for at in range(0, len(texts), size):
        scorer(encoder=encoder).score([Item(text) for text in texts[at : at + size]])


@cache
def connection(url: str) -> redis.Redis:
    """Return this process's connection."""
    return redis.Redis.from_url(url)


def judge(url: str, number: int, text: str) -> None:
    """Score a comment without the encoder and keep its scores: the job."""
    (score,) = scorer(encoder=False).score([Item(text)])
    connection(url).hset(f"peer:{number}", mapping={"scores": json.dumps(score.labels)})


def enqueue(url: str, texts: Sequence[str]) -> list[Job]:
    """Enqueue a job for each text."""
    queue = Queue(NAME, connection=connection(url))
    return [
        queue.enqueue(judge, url, number, text, result_ttl=0) for number, text in enumerate(texts)
    ]


def work(url: str, *, forking: bool) -> None:
    """Work until the queue is empty."""
    kind = Worker if forking else SimpleWorker
    kind([Queue(NAME, connection=connection(url))], connection=connection(url)).work(
        burst=True, logging_level="ERROR"
    )


def write(url: str, documents: Sequence[bytes], at_once: int) -> None:
    """Write each document into a hash of its own, a number of them in each pipeline."""
    for at in range(0, len(documents), at_once):
        pipeline = connection(url).pipeline(transaction=False)
        for number, document in enumerate(documents[at : at + at_once], at):
            pipeline.hset(f"written:{number}", "document", document)
        pipeline.execute()


def timed(url: str, number: int, text: str) -> int:
    """Score a comment and keep its scores, as `judge`; return when they were there, in Unix ms."""
    (score,) = scorer().score([Item(text)])
    at = int(time.time() * 1000)
    connection(url).hset(f"peer:{number}", mapping={"scores": json.dumps(score.labels)})
    return at


def awaited(url: str, number: int, text: str) -> int:
    """Enqueue a job for one comment and block until RQ has its result; return what that says."""
    job = Queue(NAME, connection=connection(url)).enqueue(timed, url, number, text)
    result = job.latest_result(timeout=30)
    if result is None or result.return_value is None:
        raise SystemExit("a bare job gave no result")
    return int(result.return_value)


def serve(url: str) -> None:
    """Work in this process, without forking, until SIGTERM."""
    scorer()
    own = connection(url)
    SimpleWorker([Queue(NAME, connection=own)], connection=own).work(logging_level="ERROR")
