"""The alphabet: pure values of the OCI and Docker specifications. No I/O, no async."""
