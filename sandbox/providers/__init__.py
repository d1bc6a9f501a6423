"""Stand-ins for model providers: a process that speaks their protocols without a key, an account or a network.

README.md beside this file describes the protocols, the differences between providers and the faults.
"""
