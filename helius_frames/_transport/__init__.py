"""Requests to one endpoint: bytes in, bytes out, with its key, rate limit, retries and errors."""
