"""The HTTP door: REST under /v1. It translates and decides nothing."""
