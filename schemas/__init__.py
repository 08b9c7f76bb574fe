"""What travels on wires: the event models, and the JSON Schema and AsyncAPI files made from them."""
