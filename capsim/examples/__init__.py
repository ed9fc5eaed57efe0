"""Examples of what can be written in Python; the example scenarios are copied by ``capsim init``."""
