"""Signals: properties of a comment besides its words."""

import time

import pytest

from models.signals import (
    AUTHOR_SIGNALS,
    SIGNALS,
    is_useful_place,
    registered_domain,
    signals,
)


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
        ("\u0432\u0430\u0442\u0441\u0430\u043f +7 912 345-67-89", "messenger"),
        ("\u52a0\u5fae\u4fe1 abc12345", "messenger"),
        ("w h a t s a p p me", "messenger"),
        ("+ 1 8 5 5 5 5 5 0 1 4 2", "phone"),
        (
            "\u0627\u062a\u0635\u0644 \u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669\u0660",
            "phone",
        ),
        ("call \uff11\uff18\uff15\uff15\uff15\uff15\uff15\uff10\uff11\uff14\uff12", "phone"),
        (
            "1\ufe0f\u20e38\ufe0f\u20e35\ufe0f\u20e35\ufe0f\u20e35\ufe0f\u20e35\ufe0f\u20e35\ufe0f\u20e30\ufe0f\u20e31\ufe0f\u20e3 call",
            "phone",
        ),
        ("mail me: bob (at) mail (dot) com", "email"),
        ("[...] an excerpt of that post [...]", "trackback"),
        ("[\u2026] There you will find 73218 more Infos: a.example [\u2026]", "trackback"),
        ("Pingback: another blog", "trackback"),
        ("\u30c8\u30e9\u30c3\u30af\u30d0\u30c3\u30af: x", "trackback"),
        ("<p style='display:none'>casino</p>good", "hidden_text"),
        ("good <a href='http://a.com'></a>", "hidden_link"),
        ("see https://www.google.de/maps/place/x", "useful_place"),
        ("[bank.com](http://evil.example)", "masked_link"),
        ("earn $500 a day", "money"),
        ("buy now buy now buy now buy now buy now", "repetition"),
        ("THIS IS ALL IN CAPITALS", "capitals"),
        ("p\u0430ypal is fine", "mixed_scripts"),
        ("hid\u200bden", "hidden"),
    ],
)
def test_each_signal_is_seen(content, name):
    assert signals(content)[name] > 0


LONG_LINK = (
    "https://www.google.com/maps/place/Feldberg/@47.8736,8.0046,14z/data=!3m1!4b1!4m6!3m5!1s0x4790"
)
#: What must not be raised by what readers write every day.
HARMLESS = {
    f"The trail starts here: {LONG_LINK}": {"digits", "links", "mostly_links", "link_at_end", "bare_domain", "phone"},
    "It works. In my case it did. Help me. Me too": {"bare_domain"},
    "ASP.NET and Node.js": {"bare_domain"},
    "He was born 1950-2020, on 2020-05-04 10:30 I saw 1 000 000 000": {"phone"},
    "Ping 192.168.100.200 and ISBN 978-3-16-148410-0": {"phone"},
    "We met @ home. Then we left": {"email"},
    "\u2764\ufe0f\u2764\ufe0f\u2764\ufe0f": {"pictures", "hidden"},
    "\U0001f44d\U0001f3fd": {"pictures"},
    "a 10 k\u03a9 resistor": {"mixed_scripts"},
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645": {"hidden"},
    "\u8fd9\u7bc7\u6587\u7ae0\u5199\u5f97\u975e\u5e38\u597d\uff0c\u6211\u4f1a\u6536\u85cf\u8fd9\u4e2a\u7f51\u7ad9\u5e76\u5e38\u5e38\u56de\u6765\u770b\u770b\uff0c\u975e\u5e38\u611f\u8c22\u4f60\u7684\u5206\u4eab": {"generic", "pictures"},
    "Your trackback URL is broken [...] again": {"trackback"},
}  # fmt: skip


@pytest.mark.parametrize("content", HARMLESS)
def test_what_readers_write_every_day_raises_nothing(content):
    assert not HARMLESS[content] & signals(content).keys()


def test_naming_a_messenger_is_less_than_offering_to_be_found_there():
    assert signals("Telegram is a good app")["messenger"] < 0.5
    assert signals("write me on Telegram @coach_bob")["messenger"] == 1


@pytest.mark.parametrize(
    "link, is_useful",
    [
        ("https://en.wikipedia.org/wiki/A", True),
        ("https://www.google.co.uk/maps/place/x", True),
        ("https://sites.google.com/maps/x", False),
        ("https://github.com/a/b", True),
        ("https://spammer.github.io", False),
        ("https://google.evil.example/maps", False),
        ("https://wikipedia.org.evil.example", False),
        ("http://[", False),
    ],
)
def test_useful_places_are_known_by_what_somebody_registered(link, is_useful):
    assert is_useful_place(link) is is_useful


def test_one_link_to_a_useful_place_counts_less_than_several():
    assert "links" not in signals(LONG_LINK)
    assert "links" in signals(f"{LONG_LINK} http://shop.example")


def test_names_of_many_words_are_names():
    assert "keyword_name" not in signals(
        "hi", author_name="Mar\u00eda del Carmen Garc\u00eda L\u00f3pez"
    )


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
    assert set(found) <= {*SIGNALS, *AUTHOR_SIGNALS}
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
