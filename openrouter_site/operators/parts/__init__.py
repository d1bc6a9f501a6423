"""The parts of an installation, each with its checks."""
