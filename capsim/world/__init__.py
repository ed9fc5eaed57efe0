"""What nobody decides: traffic, service, start-up, boot, metrics, money."""
