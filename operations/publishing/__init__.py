"""What turns this checkout into Greengrass components: recipes checked, archives staged, publishing guarded."""
