"""The HTTP doors: REST under `/v1`, the console, keys and roles."""
