"""A channel is a row and a file: every member of Channel has a sender, and a setting that opens it."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from moderation.channels import Channel
from moderation.errors import InvalidInput
from moderation.settings import VARIABLES, Settings
from worker import channels


@pytest.mark.parametrize("channel", Channel)
def test_a_channel_has_a_file_with_a_sender_and_a_setting_that_opens_it(channel: Channel):
    assert callable(import_module(f"worker.channels.{channel}").sender)
    assert channel.needs in {"", *(variable.field for variable in VARIABLES)}
    assert channel.label


def test_no_file_of_a_channel_is_left_out():
    found = {path.stem for path in Path(channels.__file__).parent.glob("*.py")}
    assert found - {"__init__"} == set(Channel)


def test_only_what_is_set_up_sends():
    assert set(channels.senders(Settings())) == set(Channel) - {Channel.MAIL}
    assert set(channels.senders(Settings(smtp_url="smtp://mail.example"))) == set(Channel)


def test_an_address_that_is_none_is_refused_by_the_name_of_its_channel():
    with pytest.raises(InvalidInput) as refused:
        Channel.MAIL.address("nobody")
    assert refused.value.field == "mail"
