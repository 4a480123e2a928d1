"""``make test-wordpress``: WordPress with our plugin, and with Akismet's, beside a Winnow."""
