"""Pages on which anybody reports an image, looks at their report and contests a decision; in eight languages."""
