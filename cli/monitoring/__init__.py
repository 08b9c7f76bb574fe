"""What an operator watches: metrics for Prometheus, and whether a process is well."""
