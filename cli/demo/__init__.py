"""The demo: half a year of two invented service providers, lived through on real parts."""
