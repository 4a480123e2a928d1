"""What Winnow is: comments, verdicts, decisions, and the steps between them."""
