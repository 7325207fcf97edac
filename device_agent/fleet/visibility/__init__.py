"""What a fleet sees of a gateway beside its events: its versions, its sockets, and on demand its insides."""
