"""Requests as the form describes them: messages, their shape in each API, and the JSON body."""
