"""The page: static files that talk to the query API of their own origin only.

Nothing here runs on a device or in the cloud; ``screenshot`` is a developer's tool.
"""
