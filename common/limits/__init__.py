"""What each owner may use: places at the same time, things in a minute, and money in a window."""
