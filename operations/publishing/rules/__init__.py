"""What a recipe must keep to, by subject. Every module has ``check(recipe)``, which gives findings."""
