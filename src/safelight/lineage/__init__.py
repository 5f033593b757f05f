"""Where a picture comes from: outputs are remembered for a while, so that one which comes back brings its history."""
