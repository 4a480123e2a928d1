"""The models that score a comment, and their training with scikit-learn; this package imports nothing else of ours."""
