"""A setting that means nothing is refused by its name, in a sentence."""

from __future__ import annotations

from dataclasses import fields

import pytest

from moderation.errors import BadSettings
from moderation.settings import PREFIX, Settings, from_env

WRONG = {
    "host": ["", "a b", "http://x", "x/y"],
    "port": ["0", "65536", "-1", "http", "8_025", "٨٠٢٥", "1e3", ""],
    "public_url": [
        "javascript:alert(1)", "ftp://x", "https://", "x.example", "https://a b", "http://[x",
        "https://u:p@x.example", "https://x.example?a=b", "https://x.example#a", "http://x:y", "//x",
    ],
    "allowed_hosts": ["https://x.example", "x.example/path", "a b"],
    "trusted_proxies": ["proxy", "10.0.0.0/33", "10.0.0.1,x", "300.1.1.1"],
    "redis_url": ["http://x", "localhost:6379", "javascript:x"],
    "jobs_url": ["http://x"],
    "cluster": ["perhaps"],
    "shards": ["0", "nan", "100000"],
    "workers": ["0", "inf", "two", "99999"],
    "web_threads": ["0", "99999"],
    "connections": ["0", "10"],
    "wait_replicas": ["-1", "1.5"],
    "backlog": ["0", "-5", "many"],
    "fsync": ["never"],
    "maxmemory": ["plenty", "-1mb", "1tb", "512 mb"],
    "site_rate": ["fast", "10", "0/minute", "-1/minute", "nan/minute", "10/fortnight", "10/minute;", ""],
    "login_rate": ["10/never", "1e3/minute", ""],
    "undo_seconds": ["nan", "inf", "-inf", "0", "-1", "1e300", "soon", ""],
    "batch_seconds": ["nan", "inf"],
    "encoder": ["maybe"],
    "short_way": ["perhaps"],
    "hurry_after": ["0", "nan"],
    "lease_seconds": ["nan", "-0"],
    "bulk_undo_seconds": ["inf"],
    "webhook_timeout": ["nan", "infinity"],
    "webhook_schedule": ["5,nan", "inf", "5,soon", "-5", "0"],
    "event_days": ["nan", "1e9999"],
    "smtp_url": ["mail.example"],
    "mail_from": ["nobody", "a@b\r\nBcc: c@d", "a@b c@d", ""],
    "mail_link_days": ["0", "nan", "soon"],
    "second_factor": ["perhaps", ""],
    "first_password": ["too short"],
    "metrics_token": ["short", "with a space in it, though long"],
    "language": ["xx", "", "DE-"],
    "log_level": ["LOUD", "", "trace"],
    "log_format": ["xml", ""],
}  # fmt: skip


@pytest.mark.parametrize(
    "name,text", [(name, text) for name, texts in WRONG.items() for text in texts]
)
def test_a_wrong_value_is_refused_by_name(name: str, text: str):
    variable = PREFIX + name.upper()
    with pytest.raises(BadSettings, match=variable) as refused:
        from_env({variable: text})
    message = str(refused.value)
    assert "literal" not in message
    assert "could not" not in message
    assert message.endswith(".")


def test_every_setting_that_can_be_wrong_is_tried():
    free = {"data_dir", "secret_key", "model"}  # held against the disk where they are used
    assert {setting.name for setting in fields(Settings)} - set(WRONG) == free


def test_secrets_are_not_repeated():
    with pytest.raises(BadSettings) as refused:
        from_env({"WINNOW_REDIS_URL": "http://:hunter2@x"})
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "name,text,value",
    [
        ("public_url", "https://x.example:8443/winnow", "https://x.example:8443/winnow"),
        ("trusted_proxies", "10.0.0.0/8, ::1", ("10.0.0.0/8", "::1")),
        ("site_rate", "600 / hour", "600 / hour"),
        ("log_level", "debug", "DEBUG"),
        ("webhook_schedule", "0.1, 5", (0.1, 5.0)),
        ("mail_from", "Winnow <winnow@mail.example>", "Winnow <winnow@mail.example>"),
        ("host", "::", "::"),
        ("maxmemory", "512MB", "512MB"),
    ],
)
def test_what_means_something_is_taken(name: str, text: str, value: object):
    assert getattr(from_env({PREFIX + name.upper(): text}), name) == value


def test_a_blogs_own_variables_are_none_of_ours():
    """The guides have a person export them, and the verbs must go on working in that shell."""
    variables = {
        "WINNOW_URL": "http://127.0.0.1:8025",
        "WINNOW_KEY": "wk_1",
        "WINNOW_SECRET": "whsec_1",
    }
    assert from_env(variables) == Settings()
