"""The way in from afar: AWS IoT Secure Tunneling, closed by default, for a time, with a record of every opening."""
