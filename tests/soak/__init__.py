"""Long runs against a server that is killed, overloaded and asked for more than there is money for: `make soak`. Their short forms are tests/e2e/test_soak.py."""
