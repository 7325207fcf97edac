"""The components from their built archives, under both emulated nuclei, through everything that goes wrong."""
