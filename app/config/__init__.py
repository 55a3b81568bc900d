"""Configuration: distribution's YAML, parsed once into typed values."""
