"""XML of any size, one record at a time, and none that is made to harm its reader."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import BinaryIO
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from moderation.errors import InvalidInput

Path = tuple[str, ...]


def records(
    file: BinaryIO, wanted: Collection[Path], *, kind: str
) -> Iterator[tuple[Element, Element]]:
    """Yield (parent, element) for each element on a *wanted* path, then let go of it.

    Names are local ones, without their namespaces. Raises InvalidInput for what is no such XML, and
    for XML that declares a document type, whose entities can be made to fill the memory.
    """
    roots, around, names = {path[0] for path in wanted}, [], []
    try:
        for event, element in iterparse(file, events=("start", "end"), forbid_dtd=True):
            if event == "start":
                around.append(element)
                names.append(local(element.tag))
                if len(names) == 1 and names[0] not in roots:
                    raise InvalidInput(f"this is no {kind}: it begins with <{names[0][:40]}>")
                continue
            ended = tuple(names)
            around.pop()
            names.pop()
            if ended in wanted and around:
                yield around[-1], element
                around[-1].remove(element)
    except DefusedXmlException:
        raise InvalidInput(
            "the file declares a document type or entities, which no export needs: it is refused"
        ) from None
    except ParseError as problem:
        raise InvalidInput(f"the file is no well-formed XML from there on: {problem}") from None


def local(name: str) -> str:
    """Return an element's or attribute's name without its namespace."""
    return name.rpartition("}")[2]


def child(element: Element, name: str) -> Element | None:
    """Return the first child of that local name."""
    return next((one for one in element if local(one.tag) == name), None)


def text(element: Element, *names: str) -> str:
    """Return the text under a path of local names, without blanks around it; '' if there is none."""
    found: Element | None = element
    for name in names:
        found = child(found, name) if found is not None else None
    return (found.text or "").strip() if found is not None else ""
