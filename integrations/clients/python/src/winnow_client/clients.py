"""The clients: everything of the API that a blog needs, synchronous and asynchronous."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import httpx

from winnow_client import calls
from winnow_client.calls import Call
from winnow_client.errors import NotFound, Unavailable, WinnowError
from winnow_client.values import Answer, Comment, EventPage, Past, Remembered

if TYPE_CHECKING:
    from typing import Self

T = TypeVar("T")
#: What a moderator may decide.
Decision = Literal["approve", "reject", "spam"]
_AGENT = "winnow-client/1.0.0"


class Winnow:
    """Winnow, for one site by its key. Close it, or use it in a `with` statement."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout_seconds: float = 5.0,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], Any] = time.sleep,
    ) -> None:
        """Talk to the Winnow at *url* with a site's *key*; nothing is sent yet."""
        self._sleep = sleep
        self._timeout_seconds = timeout_seconds
        self._http = httpx.Client(
            base_url=url.rstrip("/"),
            headers={"Authorization": f"Bearer {key}", "User-Agent": _AGENT},
            follow_redirects=False,
            transport=transport,
        )

    def __enter__(self) -> Self:
        """Use it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Let go of its connections."""
        self._http.close()

    def submit(self, comment: Comment, *, wait_seconds: int = 0) -> Answer:
        """Submit a comment; with *wait_seconds* (10 at most) its verdict, if it comes in time."""
        return self._do(calls.submit(comment, wait_seconds))

    def submit_many(self, comments: Sequence[Comment]) -> list[Answer]:
        """Submit up to 1,000 comments, taken whole or not at all."""
        return self._do(calls.submit_many(comments))

    def get(self, comment_id: str) -> Answer:
        """Return where a comment stands, and why. Raises NotFound."""
        return self._do(calls.get(comment_id))

    def find(self, external_id: str) -> Answer | None:
        """Return the comment that the blog knows by *external_id*, None for none."""
        try:
            found = self._do(calls.find(external_id))
        except NotFound:
            return None
        return found[0] if found else None

    def edit(self, comment_id: str, comment: Comment) -> Answer:
        """Make *comment* the next revision, which is screened again."""
        return self._do(calls.edit(comment_id, comment))

    def erase(self, comment_id: str) -> None:
        """Forget a comment's words and author."""
        self._do(calls.erase(comment_id))

    def decide(
        self,
        comment_id: str,
        decision: Decision,
        *,
        moderator: str = "",
        reason: str = "",
        note: str = "",
        version: int | None = None,
    ) -> Answer:
        """Decide on a comment: approve, reject or spam; with *version* only if it has not moved on.

        Raises Conflict.
        """
        call = calls.decide(comment_id, decision, moderator, reason, note, version)
        return self._do(call)

    def undo(self, comment_id: str) -> Answer:
        """Take back the last decision before anyone is notified. Raises Conflict."""
        return self._do(calls.undo(comment_id))

    def queue(self) -> Iterator[Answer]:
        """Yield what waits for a moderator, the most urgent first."""
        cursor: str | None = None
        while True:
            items, cursor = self._do(calls.queue(cursor))
            yield from items
            if cursor is None:
                return

    def remember(self, history: Iterable[Past]) -> Iterator[Remembered]:
        """Bring in comments from before Winnow, and yield the outcome of each; may be repeated."""
        for batch in calls.batches(history):
            yield from self._do(calls.remember(batch))

    def events(
        self, after: str | None = None, *, wait_seconds: int = 0, limit: int = 100
    ) -> EventPage:
        """Return the next events of the feed; the first call has no *after*.

        Raises Refused with status 410 where *after* is older than what is kept.
        """
        return self._do(calls.events(after, wait_seconds, limit))

    def export_author(self, *, email: str = "", ip: str = "") -> Iterator[Answer]:
        """Yield everything that is kept of an author."""
        cursor: str | None = None
        while True:
            items, cursor = self._do(calls.export_author(email, ip, cursor))
            yield from items
            if cursor is None:
                return

    def erase_author(self, *, email: str = "", ip: str = "") -> int:
        """Erase all comments of an author; return how many."""
        return self._do(calls.erase_author(email, ip))

    def _do(self, call: Call[T]) -> T:
        """Send a request, again where that helps, and read its answer."""
        tries = 0
        while True:
            tries += 1
            status = 0
            problem: WinnowError | None
            try:
                response = self._http.request(
                    call.method,
                    call.path,
                    json=call.body,
                    params=dict(call.params),
                    headers=dict(call.headers),
                    timeout=self._timeout_seconds + call.patience_seconds,
                )
                status = response.status_code
                problem = calls.problem_of(response)
                if problem is None:
                    return _read(call, response)
            except httpx.TransportError as error:
                problem = Unavailable(f"Winnow does not answer: {type(error).__name__}")
                problem.__cause__ = error
            pause = calls.pause_after(call, problem, tries, status)
            if pause is None:
                raise problem
            self._sleep(pause)


class AsyncWinnow:
    """The same with coroutines. Close it, or use it in a `with` statement."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout_seconds: float = 5.0,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
    ) -> None:
        """Talk to the Winnow at *url* with a site's *key*; nothing is sent yet."""
        self._sleep = sleep
        self._timeout_seconds = timeout_seconds
        self._http = httpx.AsyncClient(
            base_url=url.rstrip("/"),
            headers={"Authorization": f"Bearer {key}", "User-Agent": _AGENT},
            follow_redirects=False,
            transport=transport,
        )

    async def __aenter__(self) -> Self:
        """Use it."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        await self.close()

    async def close(self) -> None:
        """Let go of its connections."""
        await self._http.aclose()

    async def submit(self, comment: Comment, *, wait_seconds: int = 0) -> Answer:
        """Submit a comment; with *wait_seconds* (10 at most) its verdict, if it comes in time."""
        return await self._do(calls.submit(comment, wait_seconds))

    async def submit_many(self, comments: Sequence[Comment]) -> list[Answer]:
        """Submit up to 1,000 comments, taken whole or not at all."""
        return await self._do(calls.submit_many(comments))

    async def get(self, comment_id: str) -> Answer:
        """Return where a comment stands, and why. Raises NotFound."""
        return await self._do(calls.get(comment_id))

    async def find(self, external_id: str) -> Answer | None:
        """Return the comment that the blog knows by *external_id*, None for none."""
        try:
            found = await self._do(calls.find(external_id))
        except NotFound:
            return None
        return found[0] if found else None

    async def edit(self, comment_id: str, comment: Comment) -> Answer:
        """Make *comment* the next revision, which is screened again."""
        return await self._do(calls.edit(comment_id, comment))

    async def erase(self, comment_id: str) -> None:
        """Forget a comment's words and author."""
        await self._do(calls.erase(comment_id))

    async def decide(
        self,
        comment_id: str,
        decision: Decision,
        *,
        moderator: str = "",
        reason: str = "",
        note: str = "",
        version: int | None = None,
    ) -> Answer:
        """Decide on a comment: approve, reject or spam; with *version* only if it has not moved on.

        Raises Conflict.
        """
        call = calls.decide(comment_id, decision, moderator, reason, note, version)
        return await self._do(call)

    async def undo(self, comment_id: str) -> Answer:
        """Take back the last decision before anyone is notified. Raises Conflict."""
        return await self._do(calls.undo(comment_id))

    async def queue(self) -> AsyncIterator[Answer]:
        """Yield what waits for a moderator, the most urgent first."""
        cursor: str | None = None
        while True:
            items, cursor = await self._do(calls.queue(cursor))
            for one in items:
                yield one
            if cursor is None:
                return

    async def remember(self, history: Iterable[Past]) -> AsyncIterator[Remembered]:
        """Bring in comments from before Winnow, and yield the outcome of each; may be repeated."""
        for batch in calls.batches(history):
            for one in await self._do(calls.remember(batch)):
                yield one

    async def events(
        self, after: str | None = None, *, wait_seconds: int = 0, limit: int = 100
    ) -> EventPage:
        """Return the next events of the feed; the first call has no *after*.

        Raises Refused with status 410 where *after* is older than what is kept.
        """
        return await self._do(calls.events(after, wait_seconds, limit))

    async def export_author(self, *, email: str = "", ip: str = "") -> AsyncIterator[Answer]:
        """Yield everything that is kept of an author."""
        cursor: str | None = None
        while True:
            items, cursor = await self._do(calls.export_author(email, ip, cursor))
            for one in items:
                yield one
            if cursor is None:
                return

    async def erase_author(self, *, email: str = "", ip: str = "") -> int:
        """Erase all comments of an author; return how many."""
        return await self._do(calls.erase_author(email, ip))

    async def _do(self, call: Call[T]) -> T:
        """Send a request, again where that helps, and read its answer."""
        tries = 0
        while True:
            tries += 1
            status = 0
            problem: WinnowError | None
            try:
                response = await self._http.request(
                    call.method,
                    call.path,
                    json=call.body,
                    params=dict(call.params),
                    headers=dict(call.headers),
                    timeout=self._timeout_seconds + call.patience_seconds,
                )
                status = response.status_code
                problem = calls.problem_of(response)
                if problem is None:
                    return _read(call, response)
            except httpx.TransportError as error:
                problem = Unavailable(f"Winnow does not answer: {type(error).__name__}")
                problem.__cause__ = error
            pause = calls.pause_after(call, problem, tries, status)
            if pause is None:
                raise problem
            await self._sleep(pause)


def _read(call: Call[T], response: httpx.Response) -> T:
    """Return what a good answer says. Raises Unavailable for what Winnow never answers."""
    try:
        return call.read(response.json() if response.content else None)
    except (ValueError, KeyError, TypeError) as error:
        raise Unavailable("what answers at this address is not Winnow") from error
