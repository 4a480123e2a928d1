"""The encoder as it ships: its shapes, its bounds, and what a score does not depend on."""

import json
import os
import shutil
import time

import numpy as np
import pytest

from models.artifacts import BrokenArtifact
from models.datasets import LABELS
from models.encoder import SHIPPED, Encoder
from models.encoder.runtime import (
    BATCH,
    BATCH_TOKENS,
    MANIFEST,
    NETWORK,
    TOKENIZER,
    WEIGHTS,
    batches,
)
from models.encoder.windows import MOST

TEXTS = [
    "Thank you, that helped me a lot!",
    "You are a worthless idiot and everybody here hates you.",
    "Buy cheap watches at our shop, best price, click here",
    "",
    "Спасибо за статью, очень интересно.",
    "ありがとうございます。とても役に立ちました。",
    "A longer comment, which goes on and on about the weather. " * 30,
    "!!!",
    "Where did you buy the wood for the shelf?",
    "I will find you and kill you.",
    "!!!!",
    "No",
    "Yes",
    "👍",
]


@pytest.fixture(scope="module")
def encoder():
    return Encoder.load()


def test_every_text_has_a_window_and_windows_stand_in_the_order_of_the_texts(encoder):
    encoded = encoder.read(TEXTS)
    assert encoded.features.shape == (len(encoded.owners), 768)
    assert encoded.logits.shape == (len(encoded.owners), len(LABELS))
    assert (encoded.features.dtype, encoded.logits.dtype) == (np.float32, np.float32)
    assert encoded.owners.dtype == np.intp
    assert (np.diff(encoded.owners) >= 0).all()
    assert set(encoded.owners) == set(range(len(TEXTS)))


def test_no_texts_have_no_windows(encoder):
    encoded = encoder.read([])
    assert encoded.features.shape == (0, 768)
    assert encoded.logits.shape == (0, len(LABELS))
    assert len(encoded.owners) == 0


def test_a_text_reads_alike_alone_and_in_any_company(encoder):
    """No number moves by more than 1e-4, though short windows are read several at once."""
    together = encoder.read(TEXTS)
    backwards = encoder.read(TEXTS[::-1])
    for index, text in enumerate(TEXTS):
        alone = encoder.read([text])
        others = backwards.owners == len(TEXTS) - 1 - index
        for numbers in ("features", "logits"):
            expected = getattr(alone, numbers)
            among = getattr(together, numbers)[together.owners == index]
            assert np.abs(among - expected).max() < 1e-4
            assert np.abs(getattr(backwards, numbers)[others] - expected).max() < 1e-4


class Counted:
    """A session that counts what is read; a window's features are its second token."""

    def __init__(self):
        self.windows = 0

    def run(self, _names, feeds):
        self.windows += len(feeds["ids"])
        numbers = feeds["ids"][:, 1:2].astype(np.float32)
        return np.tile(numbers, 768), np.tile(numbers, len(LABELS))


def test_a_text_that_a_flood_sends_again_and_again_is_read_once():
    session, long = Counted(), "d" * 200
    manifest = {"hidden": 384, "labels": len(LABELS)}
    encoder = Encoder(session, lambda text: [ord(letter) for letter in text], manifest)
    encoded = encoder.read(["a", "b", "a", "c", long, "b", "a", long])
    assert encoded.owners.tolist() == [0, 1, 2, 3, 4, 4, 5, 6, 7, 7]
    assert "".join(map(chr, encoded.features[:, 0].astype(int))) == "abacddbadd"
    assert (encoded.logits[:, 0] == encoded.features[:, 0]).all()
    assert session.windows == len(["a", "b", "c", "the first of d", "the second of d"])


def test_abuse_and_spam_stand_out(encoder):
    logits = encoder.read(TEXTS).logits
    owners = encoder.read(TEXTS).owners
    toxicity = [logits[owners == index, LABELS.index("toxicity")].max() for index in (0, 1, 9)]
    assert toxicity[0] < 0 < min(toxicity[1:])
    assert logits[owners == 2, 0].max() > 0 > logits[owners == 0, 0].max()


def test_a_session_from_before_the_fork_reads_after_it(encoder):
    expected = encoder.read(TEXTS).logits
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(writing, encoder.read(TEXTS).logits.tobytes())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        raw = pipe.read()
    assert os.waitpid(child, 0)[1] == 0
    assert np.array_equal(np.frombuffer(raw, np.float32).reshape(expected.shape), expected)


@pytest.mark.parametrize("character", ["a", "漢", "😀", "a\u0301\u0323", "\u0301", "\ufdfa"])
def test_64_kb_of_anything_cost_no_more_than_their_windows(encoder, character):
    """As many full windows as any long text has; an idle core takes less than 50 ms for them."""
    text = character * (65_536 // len(character.encode()))
    plain = "The weather was fine all week long, and we went out. " * 1_200
    assert len(encoder.read([text]).owners) <= MOST
    assert _seconds(encoder, text) < 3 * _seconds(encoder, plain)


def _seconds(encoder, text):
    found = []
    for _ in range(3):
        begun = time.process_time()
        encoder.read([text])
        found.append(time.process_time() - begun)
    return min(found)


def test_batches_are_of_equal_lengths_and_bounded():
    lengths = [160, *[3] * 20, 160, 160, 90, 2, 40, 40, 40, 40, 40]
    found = list(batches(lengths))
    assert sorted(index for batch in found for index in batch) == list(range(len(lengths)))
    for batch in found:
        assert len(batch) <= BATCH
        assert len({lengths[index] for index in batch}) == 1
        assert len(batch) == 1 or len(batch) * lengths[batch[0]] <= BATCH_TOKENS
    assert max(map(len, found)) > 1
    assert list(batches([])) == []


@pytest.fixture
def copy(tmp_path):
    for name in (MANIFEST, NETWORK, TOKENIZER, WEIGHTS):
        shutil.copy(SHIPPED / name, tmp_path)
    return tmp_path


def test_the_manifest_names_version_window_and_size(encoder):
    assert encoder.version == encoder.manifest["version"]
    assert (encoder.manifest["tokens"], encoder.manifest["hidden"]) == (160, 384)


@pytest.mark.parametrize("name", [NETWORK, TOKENIZER, WEIGHTS])
def test_a_file_that_is_not_what_the_manifest_says_is_refused(copy, name):
    with (copy / name).open("ab") as file:
        file.write(b" ")
    with pytest.raises(BrokenArtifact, match=f"{name} isn't what"):
        Encoder.load(copy)


@pytest.mark.parametrize("name", [MANIFEST, NETWORK, TOKENIZER, WEIGHTS])
def test_a_missing_file_is_named(copy, name):
    (copy / name).unlink()
    with pytest.raises(BrokenArtifact, match=name):
        Encoder.load(copy)


def test_an_encoder_is_read_whose_manifest_names_no_weights_apart(copy):
    """Earlier encoders have them in the network's own file."""
    manifest = json.loads((copy / MANIFEST).read_text())
    del manifest["files"][WEIGHTS]
    (copy / MANIFEST).write_text(json.dumps(manifest))
    assert Encoder.load(copy).read(TEXTS).features.any()


def test_an_encoder_with_another_window_is_refused(copy):
    manifest = json.loads((copy / MANIFEST).read_text())
    (copy / MANIFEST).write_text(json.dumps(manifest | {"tokens": 512}))
    with pytest.raises(BrokenArtifact, match="160 tokens"):
        Encoder.load(copy)
