"""The hosted pages: checkout, the bank, the receipt, and the dashboard of the developer."""
