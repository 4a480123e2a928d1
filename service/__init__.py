"""The HTTP edge and the command line; Flask lives only here."""
