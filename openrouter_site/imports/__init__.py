"""Taking over people, keys and balances of another gateway: LiteLLM or new-api.

`tables` reads the other's rows, `litellm` and `new_api` make a `plan` of them, `applying` carries it out.
"""
