"""Charts of a run: described once, drawn as vectors for the page and as PNG for slides."""
