"""The command that sends a first comment, as the terminal and the desk show it."""

from __future__ import annotations

FIRST_COMMENT = "What a season finale! I did not see that coming."


def command(url: str, key: str) -> str:
    """Return the lines of a shell command that submits a comment to the Winnow at *url*."""
    return (
        f"curl {url}/v1/comments \\\n"
        f"  -H 'Authorization: Bearer {key}' \\\n"
        "  -H 'Content-Type: application/json' -H 'Prefer: wait=2' \\\n"
        f'  -d \'{{"content": "{FIRST_COMMENT}"}}\''
    )
