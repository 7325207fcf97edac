"""What stands on an I2C bus, a file each: its configuration, its registers, its formulas."""
