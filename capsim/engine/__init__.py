"""The clock: advances from event to event and calls world and controllers in a fixed order."""
