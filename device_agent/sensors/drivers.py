"""All drivers, as one union: the ``type`` key of a sensor's configuration chooses among them."""
