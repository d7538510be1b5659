"""What runs mean: advice, comparison, sweep, prediction."""
