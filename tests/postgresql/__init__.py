"""PostgreSQL for tests: tables are emptied by DELETE, which takes milliseconds where TRUNCATE of many takes a third of
a second. Foreign keys are checked at the end of the transaction, so the order does not matter."""
