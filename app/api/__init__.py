"""The wire: requests in, values to the domain, responses out."""
