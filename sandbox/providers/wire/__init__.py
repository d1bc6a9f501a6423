"""The bytes of answers: their steps and pace, the connection that sends them, and a record of what came in."""
