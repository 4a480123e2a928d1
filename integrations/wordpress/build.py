"""``make wordpress-plugin``: the zip that an administrator uploads, the same bytes for the same files."""

from __future__ import annotations

import re
import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
PLUGIN = HERE / "winnow"
#: The oldest time that a zip can tell: the files' own would make every build another.
_ALWAYS = (1980, 1, 1, 0, 0, 0)
_VERSION = re.compile(r"^ \* Version: +(\S+)$", re.MULTILINE)


def build(directory: Path) -> Path:
    """Write the zip into *directory* and return its path."""
    found = _VERSION.search((PLUGIN / "winnow.php").read_text(encoding="utf-8"))
    if found is None:
        raise SystemExit("winnow.php names no version")
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"winnow-wordpress-{found[1]}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(PLUGIN.rglob("*")):
            if file.is_file():
                name = zipfile.ZipInfo(f"winnow/{file.relative_to(PLUGIN)}", _ALWAYS)
                name.external_attr = 0o644 << 16
                name.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(name, file.read_bytes())
    return path


if __name__ == "__main__":
    print(build(Path(sys.argv[1] if len(sys.argv) > 1 else "dist")))
