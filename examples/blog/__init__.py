"""A small blog whose comments are moderated by Winnow; app.py is the part to read."""
