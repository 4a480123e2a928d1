"""Where Redis is spoken to; nothing outside this package names a key."""
