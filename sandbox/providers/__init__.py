"""Stand-ins for model providers: a process that speaks their protocols without a key, an account or a network.

README.md beside this file says what it plays, how providers differ and how to ask for faults.
"""
