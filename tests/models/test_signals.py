"""What a comment shows besides its words."""

import time

import pytest

from models.signals import SIGNALS, registered_domain, signals


@pytest.mark.parametrize(
    "content, name",
    [
        ("look at https://example.org/page", "links"),
        ("http://a.com http://b.org http://c.net", "many_domains"),
        ("see http://bit.ly/abc", "shortener"),
        ('<a href="http://evil.example">http://bank.com</a>', "masked_link"),
        ("[url=http://x.com]shoes[/url]", "bbcode"),
        ("[shoes](http://x.com)", "anchors"),
        ("http://203.0.113.9/login", "raw_ip"),
        ("visit my-shop.com today", "bare_domain"),
        ("write to someone@example.com", "email"),
        ("call +1 (855) 555-0142 now", "phone"),
        ("add me on WhatsApp", "messenger"),
        ("earn $500 a day", "money"),
        ("buy now buy now buy now buy now buy now", "repetition"),
        ("THIS IS ALL IN CAPITALS", "capitals"),
        ("p\u0430ypal is fine", "mixed_scripts"),
        ("hid\u200bden", "hidden"),
    ],
)
def test_each_signal_is_seen(content, name):
    assert signals(content)[name] > 0


def test_authors_fields_are_signals():
    assert "keyword_name" in signals("nice", author_name="best essay writing service")
    assert "keyword_name" not in signals("nice", author_name="Maria Lopez")
    assert "disposable" in signals("nice", author_email="x@mailinator.com")
    assert "author_domain_linked" in signals("see http://me.com/a", author_url="http://me.com")


def test_an_ordinary_home_page_says_nothing():
    """All of one source's spam has an author's address: having one must not count."""
    assert signals("I liked this.", "Ana", "ana@example.org", "http://ana.example.org") == signals(
        "I liked this."
    )


def test_every_signal_has_a_name_a_sentence_and_a_level_up_to_one():
    found = signals(
        "http://bit.ly/a " * 300 + "!" * 400 + "9" * 900, "casino bonus online free spins"
    )
    assert set(found) <= set(SIGNALS)
    assert all(0 < level <= 1 for level in found.values())


def test_two_level_suffixes_are_public():
    assert registered_domain("www.shop.example.co.uk") == "example.co.uk"


@pytest.mark.parametrize(
    "content",
    [
        "http://a.com " * 80_000,
        "<a href=" * 100_000,
        "a@" * 400_000,
        "1-" * 400_000,
        "." * 900_000,
        "",
    ],
)
def test_a_megabyte_costs_bounded_time(content):
    begun = time.process_time()
    signals(content, "x" * 1000, "@" * 1000, "http://[" * 100)
    assert time.process_time() - begun < 1
