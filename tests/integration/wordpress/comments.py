"""What readers write in these trials."""

from __future__ import annotations

HAM = "It's a fine recipe, and my sister's \"little ones\" loved the soup. Thank you!"
SPAM = (
    "CHEAP VIAGRA and CIALIS online!!! Best casino bonus, click here now: "
    "http://pills.example/buy http://casino.example/win - it's 100% FREE $$$"
)
#: The site holds comments with this word.
HELD = "My grandmother's rutabaga pie needs twice as much butter."
