"""Changes that last: of a channel against its calibration, and of the filter's own score."""
