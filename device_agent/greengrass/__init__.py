"""What runs inside a Greengrass nucleus: each component is a composition of the stages that also run standalone."""
