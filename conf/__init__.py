"""Configuration values (YAML), installed as the package ``mentalft.conf``."""
