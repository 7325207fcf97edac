"""When a sensor is read: absolute deadlines, gaps counted."""
