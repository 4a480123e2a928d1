"""The formats that comments are imported from: a name on the command line, and its reader."""

from __future__ import annotations

from collections.abc import Mapping

from service.importers import Reader, disqus, jsonl, wordpress

READERS: Mapping[str, Reader] = {
    "wordpress": wordpress.read,
    "disqus": disqus.read,
    "jsonl": jsonl.read,
}
