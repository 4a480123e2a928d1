"""A small transformer that reads a text: its features, and first logits of every label."""

from models.encoder.runtime import SHIPPED, Encoded, Encoder

__all__ = ["SHIPPED", "Encoded", "Encoder"]
