"""One file a resource: its forms, and the routes that answer with them."""
