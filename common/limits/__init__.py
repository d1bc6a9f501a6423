"""Limits of each owner: places at the same time, things in a minute, and money in a window."""
