"""The steps of the product as verbs: each takes what it needs, decides without I/O, writes once.

``moderation.winnow.Winnow`` binds them; views, jobs, doors and the command line call it.
"""
