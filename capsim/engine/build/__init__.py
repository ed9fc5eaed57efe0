"""From a scenario to arrays, and back to names: the only place where names become indices."""
