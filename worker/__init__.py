"""The queue edge: screening jobs, delivery, and the supervisor that keeps them running."""
