"""The domain: what push, pull, mount and delete mean."""
