"""What leaves this house: commands to a platform, letters to people. Ports, an in-memory twin, signed webhooks."""
