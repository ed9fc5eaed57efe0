"""The cluster as structs of arrays; the only place where names become indices."""
