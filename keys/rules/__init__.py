"""Whether a key may be used: its state and limits, its restrictions, its rates per minute."""
