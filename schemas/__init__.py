"""What travels on wires: event models, and the JSON Schema and AsyncAPI files made from them."""
