"""The apps that programs name: their addresses, their categories, their share of an account's tokens."""
