"""Codes of an app by RFC 6238, each taken once, and recovery codes."""

from __future__ import annotations

import base64

import pytest

from moderation.factors import (
    RECOVERY_CODES,
    app_link,
    new_recovery_codes,
    new_secret,
    plain,
    step_of,
)

#: RFC 6238, appendix B: the secret of its vectors, and times with the last six digits of their codes.
SECRET = base64.b32encode(b"12345678901234567890").decode()
VECTORS = [
    (59, "287082"), (1_111_111_109, "081804"), (1_111_111_111, "050471"),
    (1_234_567_890, "005924"), (2_000_000_000, "279037"), (20_000_000_000, "353130"),
]  # fmt: skip


@pytest.mark.parametrize("seconds, code", VECTORS)
def test_codes_are_those_of_the_rfc(seconds: int, code: str):
    assert step_of(SECRET, code, now_ms=seconds * 1000, after=0) == seconds // 30


def test_a_clock_may_be_half_a_minute_off_and_no_more():
    code, step = "005924", 1_234_567_890 // 30
    for off in (-1, 0, 1):
        assert step_of(SECRET, code, now_ms=(step + off) * 30_000, after=0) == step
    for off in (-2, 2):
        assert step_of(SECRET, code, now_ms=(step + off) * 30_000, after=0) is None


def test_a_code_and_those_before_it_are_taken_once():
    step = 1_234_567_890 // 30
    assert step_of(SECRET, "005924", now_ms=step * 30_000, after=step) is None
    assert step_of(SECRET, "005924", now_ms=step * 30_000, after=step - 1) == step


@pytest.mark.parametrize(
    "code", ["", "00592", "0059240", "００５９２４", "abcdef", "-05924", "\x0005924"]
)
def test_what_is_no_code_is_none(code: str):
    assert step_of(SECRET, code, now_ms=1_234_567_890_000, after=0) is None


def test_a_secret_has_160_bits_and_no_two_are_alike():
    assert len(base64.b32decode(new_secret())) == 20
    assert new_secret() != new_secret()


def test_the_link_names_who_and_where_whatever_the_name_holds():
    link = app_link(SECRET, "Ada & ?=/#", "winnow.example")
    assert link.startswith("otpauth://totp/Winnow:Ada%20%26%20%3F%3D/%23%40")
    assert f"secret={SECRET}" in link
    assert len(app_link(SECRET, "\N{GRINNING FACE}" * 100, "winnow.example")) < 500, (
        "a QR code of it can be read"
    )


def test_recovery_codes_are_typed_as_people_type():
    codes = new_recovery_codes()
    assert len(set(codes)) == RECOVERY_CODES
    assert plain(f" {codes[0].upper()} ") == plain(codes[0].replace("-", " "))
    assert plain("123 456") == "123456"
