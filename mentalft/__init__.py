"""mentalft: is the tuned counselling model better than the base model, and can the answer be trusted?"""

__version__ = "0.1.0"
