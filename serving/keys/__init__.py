"""API keys: who may ask for what, how often, and the record of what admins did."""
