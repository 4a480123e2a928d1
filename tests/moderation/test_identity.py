"""Who wrote, by value."""

from __future__ import annotations

import pytest

from moderation.identity import IdentityList, address_form, email_form


@pytest.mark.parametrize(
    "written, form",
    [
        ("203.0.113.9", "203.0.113.9"),
        (" 203.0.113.9:4711 ", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("::FFFF:cb00:7109", "203.0.113.9"),
        ("[::ffff:203.0.113.9]:80", "203.0.113.9"),
        ("203.0.113.9, 10.0.0.1", "203.0.113.9"),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("2001:0db8::0001", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ('for="[2001:db8::1]:4711"', "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("Unknown", "unknown"),
        ("", ""),
    ],
)
def test_an_address_has_one_form(written, form):
    assert address_form(written) == form


@pytest.mark.parametrize(
    "written, form",
    [
        ("Ada@Example.COM", "ada@example.com"),
        (" ada@example.com. ", "ada@example.com"),
        ("Ada Lovelace <ada@example.com>", "ada@example.com"),
        ("mailto:ada@example.com", "ada@example.com"),
        ("ada@BÜCHER.example", "ada@xn--bcher-kva.example"),
        ("ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"),
        ("ａｄａ@example.com", "ada@example.com"),
        ("ada", "ada"),
        ("", ""),
    ],
)
def test_an_e_mail_has_one_form(written, form):
    assert email_form(written) == form


def test_two_people_stay_two():
    assert email_form("straße@x.example") != email_form("strasse@x.example")
    assert email_form("a@straße.example") != email_form("a@strasse.example")
    assert address_form("2001:db8::1") != address_form("2001:db8::2")


@pytest.mark.parametrize(
    "entry, email, ip, found",
    [
        ("203.0.113.9", "", "::ffff:203.0.113.9", True),
        ("203.0.113.0/24", "", "203.0.113.9:80", True),
        ("203.0.113.9", "", "203.0.113.8", False),
        ("2001:db8::1", "", "2001:db8::ffff", True),
        ("2001:db8:0:1::1", "", "2001:db8::1", False),
        ("2001:db8::/32", "", "2001:db8:1::1", True),
        ("ada@bücher.example", "ADA@xn--bcher-kva.example", "", True),
        ("ada@b.example", "eve@b.example", "", False),
        ("word", "word", "word", False),
    ],
)
def test_a_list_finds_who_wrote_by_value_and_an_ipv6_address_with_its_network(
    entry, email, ip, found
):
    assert (IdentityList([entry]).first(email=email, ip=ip) == entry) is found
