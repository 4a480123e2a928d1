"""The formats that comments are imported from: a name on the command line, and its reader."""

from __future__ import annotations

from collections.abc import Mapping

from service.importers import (
    Reader,
    blogger,
    commento,
    disqus,
    ghost,
    isso,
    jsonl,
    remark42,
    substack,
    wordpress,
)

READERS: Mapping[str, Reader] = {
    "wordpress": wordpress.read,
    "disqus": disqus.read,
    "blogger": blogger.read,
    "isso": isso.read,
    "remark42": remark42.read,
    "commento": commento.read,
    "comentario": commento.read,
    "ghost": ghost.read,
    "substack": substack.read,
    "jsonl": jsonl.read,
}
