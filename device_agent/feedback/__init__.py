"""What people said of this gateway's episodes: heard, kept, heeded within bounds."""
