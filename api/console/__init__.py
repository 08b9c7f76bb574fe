"""The console: the API's answers as pages for finance people, rendered here, usable without a script."""
