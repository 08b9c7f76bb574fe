"""The HTTP doors: REST under /v1 and the console. They translate and decide nothing."""
