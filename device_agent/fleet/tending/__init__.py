"""What an operator who cannot visit asks of a gateway: to restart, to learn anew, to show its insides."""
