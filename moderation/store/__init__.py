"""All access to Redis; nothing outside this package names a key."""
