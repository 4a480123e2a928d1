"""The scikit-learn models that score a comment; this package imports nothing else of ours."""
