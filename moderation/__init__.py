"""What Winnow is: comments, verdicts, decisions, and the steps between them."""

#: This release, after Semantic Versioning; the package, the API's description and `--version` read it.
__version__ = "0.1.0"
