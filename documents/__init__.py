"""An invoice or a listing rendered to bytes: data in, bytes out."""
