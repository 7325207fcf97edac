"""The only door to TensorFlow Lite: models, calibration, scores."""
