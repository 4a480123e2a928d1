"""Programs that show how to use Winnow."""
