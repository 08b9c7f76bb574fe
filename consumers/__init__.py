"""Kafka and files in: decoded, validated, appended exactly once; dead letters out."""
