"""What several test folders share: a clock that jumps, a hand that presses buttons."""
