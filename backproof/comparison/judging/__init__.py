"""From evaluations to rows with a status."""
