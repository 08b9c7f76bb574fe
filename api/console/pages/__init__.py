"""The pages, a file each: parse, ask what the API asks, render."""
