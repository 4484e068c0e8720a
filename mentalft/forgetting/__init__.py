"""What the gain cost: general ability before and after the training, and over the adapter's scale."""
