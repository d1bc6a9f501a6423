"""Requests as the stand-ins read them: their prompt, its tokens and its cache, their schemas."""
