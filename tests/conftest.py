"""Property tests try the same examples every time, and take what time a busy machine needs."""

from hypothesis import settings

settings.register_profile("same-everywhere", derandomize=True, deadline=None)
settings.load_profile("same-everywhere")
